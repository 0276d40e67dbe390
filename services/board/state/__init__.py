"""What the board shows: the newest cut, milestones, the registration rate."""
