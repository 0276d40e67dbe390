"""The HTTP API of the register: endpoints, authentication, rate limits, responses and problems."""
