"""Request models, their validation, and their mapping to commands; HTTP requests and imports use it."""
