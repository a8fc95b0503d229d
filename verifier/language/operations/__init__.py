"""The table of operations: what each one is, mathematically. Knows no library and no program."""
