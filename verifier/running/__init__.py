"""Many cases: planned, isolated from each other and from the process, run in order."""
