"""Callables and modules that are run on tensors: what they are given, and what they give
back."""
