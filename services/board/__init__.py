"""The board: shows the published counts as a page, as JSON and as an event stream."""
