"""Request models, their validation and their mapping to commands, for HTTP requests and for imports."""
