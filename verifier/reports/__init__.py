"""A finished run, told: one module a format, each a pure reader of records."""
