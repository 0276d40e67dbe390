"""The relay publishes the register's events to the topic `participant-events`, and can recover this topic."""
