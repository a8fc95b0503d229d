"""What is true of a program at a point, on which independent derivations agree, and
what may explain an error.

`side` is the interface to all of it, alike for real and complex numbers; what cannot be
decided is said to be undecided, and why. Knows nothing of PyTorch's numbers but where a
recorded run is examined (`examination`), and nothing of verdicts.
"""
