"""The compiled step of counting; `make setup` builds it where a C compiler is. Without it all is Python."""
