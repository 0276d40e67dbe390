"""The lifecycle of a process: its stop signal, loops, task groups, HTTP server and garbage collection."""
