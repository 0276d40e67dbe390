"""The stream of server-sent events: what each subscriber is sent next, and the subscribers' connections."""
