"""The continuous comparison of published cuts with the register."""
