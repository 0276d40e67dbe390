"""The Faust worker, its transport, and the check that it moves."""
