"""Numbers that enclose: balls, series, expansions. Knows programs, and no derivative."""
