"""The event stream: subscribers, their bytes and their connections."""
