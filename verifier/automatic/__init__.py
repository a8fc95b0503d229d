"""What PyTorch computes: from a written program to measurements. Knows nothing of SymPy
or balls."""
