"""The survey: how accurate PyTorch's values and gradients are, for every operation of the table."""
