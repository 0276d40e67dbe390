"""The relay: publishes the register's events to the topic `participant-events`, and recovers the topic."""
