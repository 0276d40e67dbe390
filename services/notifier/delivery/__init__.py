"""The queue of deliveries and the sender that empties it."""
