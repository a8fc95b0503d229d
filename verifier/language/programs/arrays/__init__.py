"""Formulas of arrays: programs whose nodes have shapes, from text with `shapes`.

What a formula of numbers is (`verifier.language.programs`) holds here elementwise, with
broadcasting; `parsing` is the door, `functions` has the functions of whole arrays.
"""
