"""The registration service: participants, their events, and the answers to API requests."""
