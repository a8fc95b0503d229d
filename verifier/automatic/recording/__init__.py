"""Programs of tensors as cells: the recorder, a mode of PyTorch's dispatcher.

`record.record` is what others call; what operations are stands in `handlers`, whose
docstring says how one is added.
"""
