"""All numbers of a tensor at once against their truths: verdicts entry by entry, of the
backward's formula, and of all entries together.

`entries` judges each number (a documented bound), `formula` the recorded backward (a
proof), `statistics` what all numbers have in common though each could be rounding,
`patterns` says what it is. Arrays throughout, no loop over entries. Knows neither wing.
"""
