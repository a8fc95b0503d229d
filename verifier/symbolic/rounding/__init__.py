"""What rounding may do to a program in a format: how far it brings each number, and
what is true close by.

Knows how accurate each kernel is and by which formula PyTorch differentiates it, in
balls and discs. Knows nothing of PyTorch's numbers, of tolerances or of verdicts, nor
what is true.
"""
