"""Derivatives: SymPy's rules, the stepwise chain rule, and the witness that uses no rule."""
