"""Shows the published counts: page, JSON and stream."""
