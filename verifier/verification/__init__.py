"""One case, in stages, from points to a result. The first place where both wings are known."""
