"""Fuzzing, in `make fuzz`: the compiled decoder under sanitizers, and the reading of import files.

`python -m tests.fuzz.decoder` builds the decoder with AddressSanitizer and UndefinedBehaviorSanitizer into
`.local/fuzz`. It then starts `tests.fuzz.decoder.target`, which feeds the decoder arbitrary and mutated bytes
and compares each result with that of the decoder in pure Python. `tests.fuzz.import_files` feeds damaged
files to imports, without sanitizers.
"""
