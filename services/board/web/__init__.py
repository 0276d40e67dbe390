"""The page and the JSON of the board."""
