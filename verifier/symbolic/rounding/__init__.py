"""What rounding may do to a program in a format."""
