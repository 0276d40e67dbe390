"""Fuzzing of the compiled decoder with AddressSanitizer and UndefinedBehaviorSanitizer: `make fuzz`.

`python -m tests.fuzz` builds the decoder with both sanitizers into `.local/fuzz`. It then starts
`tests.fuzz.target`, which feeds the decoder arbitrary and mutated bytes and compares each result with that
of the decoder in pure Python. `tests.fuzz.import_files` feeds damaged files to imports, without sanitizers.
"""
