"""How a setting is read: from the environment or a secret file, and how a wrong one is told."""
