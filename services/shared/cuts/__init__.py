"""The published cuts and register states: their shapes, what a reader keeps, how to follow them."""
