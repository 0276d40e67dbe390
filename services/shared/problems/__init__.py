"""HTTP error responses: RFC 9457 problem details in two languages, without the invalid value."""
