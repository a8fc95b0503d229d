"""A number of PyTorch's against the truth: the verdict, and why.

`comparison` judges one number (`finite`, `excuses`, `tolerance`), `vectors` a gradient at a
kink, `linearity` further runs, `bias` and `pattern` all points of a subject, `steps` named
steps; `walk` and `diagnosis` find the culprit of an error; `baseline` compares a run with a
stored one. Imports neither wing: truths and measurements come as records.
"""
