"""Tells officials when a region passes a milestone: once, with evidence, and with a receipt."""
