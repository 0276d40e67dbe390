"""The HTTP interface of the board: the page, the JSON and the static files."""
