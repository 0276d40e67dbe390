"""The compiled decoder, written in Cython; `make setup` builds it on machines with a C compiler."""
