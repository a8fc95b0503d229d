"""Exact numbers, domains, drawn points and upstream gradients. Knows no case."""
