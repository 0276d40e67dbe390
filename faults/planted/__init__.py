"""Eight bugs that a campaign must find, planted into running processes from outside.

`python -m faults.planted BUG PACKAGE ARGUMENT…` runs `python -m PACKAGE ARGUMENT…` with one bug in it.
`bugs.BUGS` says which processes are to run so, which faults bring the bug to light, and what then breaks.
"""
