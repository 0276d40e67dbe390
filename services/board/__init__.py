"""The board: shows the published counts as a page, as JSON and as a stream of server-sent events."""
