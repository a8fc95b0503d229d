"""One case of tensors in one dtype, in stages: try, measure, record, truth, judge,
result."""
