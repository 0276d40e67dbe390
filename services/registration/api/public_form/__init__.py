"""The public registration form: pages in Indonesian that work without JavaScript."""
