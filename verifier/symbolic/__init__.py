"""The true derivative: from a written program to proved enclosures. Knows nothing of
PyTorch."""
