"""The event stream: what each subscriber is sent next, and the connections it is sent on."""
