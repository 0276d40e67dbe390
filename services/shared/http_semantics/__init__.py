"""What HTTP asks of every service (RFC 9110): entity tags, conditional requests, and HEAD."""
