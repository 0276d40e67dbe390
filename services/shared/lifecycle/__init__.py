"""The lifecycle of a process: its stop signal, retried loops, task groups, HTTP server and garbage
collection.
"""
