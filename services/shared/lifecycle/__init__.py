"""The lifecycle of a process: stop signal, loops, back-off, task group, HTTP server, garbage collection."""
