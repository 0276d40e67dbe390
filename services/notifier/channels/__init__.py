"""The channels on which messages are sent: e-mail and webhooks."""
