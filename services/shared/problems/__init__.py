"""HTTP error responses as RFC 9457 problem details in two languages; they never contain the invalid value."""
