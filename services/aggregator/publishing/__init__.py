"""Publication of cuts, growth per minute and quarantine states by the leading publisher."""
