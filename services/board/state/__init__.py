"""The data that the board shows (newest cut, milestones, registration rate), and the tasks that update it."""
