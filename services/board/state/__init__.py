"""The data that the board shows (newest cut, milestones, registration rate), and its updates from Kafka."""
