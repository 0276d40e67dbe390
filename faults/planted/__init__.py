"""Seventeen bugs that a campaign must find, planted by patching a service's process.

`python -m faults.planted BUG PACKAGE ARGUMENT…` runs `python -m PACKAGE ARGUMENT…` with the bug BUG planted.
`bugs.BUGS` lists each bug with the processes that run it, the faults that expose it, and the invariant that
it violates.
"""
