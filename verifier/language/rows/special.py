"""Special functions of torch.special."""

from __future__ import annotations

from verifier.language.operation import defined, interval

ROWS = (
    defined(
        "logit",
        "x",
        "log(x / (1 − x))",
        "log(x / (1 - x))",
        ("grad / (x * (1 - x))",),
        "torch.special.logit",
        domain=(interval("(0, 1)"),),
        forward="log(x / (1 - x))",
    ),
)
