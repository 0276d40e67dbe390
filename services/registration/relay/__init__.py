"""Events from the register to the topic participant-events."""
