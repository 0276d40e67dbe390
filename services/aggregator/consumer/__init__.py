"""The Faust worker: its app, transport, consumer and stall detection."""
