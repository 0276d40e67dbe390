"""Request models, their validation, and the commands they become."""
