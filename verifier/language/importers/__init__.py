"""Formulas of other formats → case files. Judges nothing."""
