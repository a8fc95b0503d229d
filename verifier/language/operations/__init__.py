"""The table of operations: what each one is, mathematically. Knows no library, no
program and no number format."""
