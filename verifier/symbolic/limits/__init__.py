"""What holds at an edge: one-sided limits, kinks, boundary points."""
