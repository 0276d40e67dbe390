"""The composition roots. Each builds the adapters of one process from its settings and runs the process."""
