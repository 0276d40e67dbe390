"""The register: who takes part, what happened to them, and what each caller was told."""
