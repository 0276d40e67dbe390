"""Finds the changes of an interface that break its clients, unless the interface has a new major version.

Clients write some values (parameters, bodies of requests) and read others (responses, records of topics). A
value that clients write must still be accepted; a value that they read must still be as promised. Additions
pass: readers ignore fields that they do not know, and values of an enumeration that they do not know.
"""
