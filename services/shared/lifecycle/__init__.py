"""Process lifecycle: stop signal, retried loops, task groups, HTTP server, garbage collection."""
