"""How a refusal is told over HTTP: RFC 9457 problem details in two languages, never with the value."""
