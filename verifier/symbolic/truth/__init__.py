"""The oracle: true values and derivatives, on which all derivations agree."""
