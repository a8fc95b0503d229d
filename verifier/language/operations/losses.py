"""Elementwise losses of torch.nn.functional (reduction="none", no weight) of an input x
and its target y."""

from __future__ import annotations

from verifier.language.operations.operation import (
    LINE,
    NONNEGATIVE,
    Operation,
    interval,
)

_UNIT = interval("[0, 1]")

ROWS = (
    # Of a difference
    Operation(
        "mse_loss",
        ("x", "y"),
        "(x − y)²",
        "torch.nn.functional.mse_loss",
        definition="square(x - y)",
    ),
    Operation(
        "l1_loss",
        ("x", "y"),
        "|x − y|",
        "torch.nn.functional.l1_loss",
        definition="abs(x - y)",
        kinks=("x = y",),
    ),
    Operation(
        "huber_loss",
        ("x", "y", "delta"),
        "(x − y)² / 2 up to a distance of delta, beyond it delta · (|x − y| − delta / 2)",
        "torch.nn.functional.huber_loss",
        definition="where(abs(x - y) <= delta, square(x - y) / 2, delta * (abs(x - y) - delta / 2))",
        parameters={"delta": "1"},
    ),
    Operation(
        "smooth_l1_loss",
        ("x", "y", "beta"),
        "(x − y)² / (2 · beta) up to a distance of beta, beyond it |x − y| − beta / 2",
        "torch.nn.functional.smooth_l1_loss",
        definition="where(abs(x - y) < beta, square(x - y) / (2 * beta), abs(x - y) - beta / 2)",
        parameters={"beta": "1"},
    ),
    # Of two probabilities
    Operation(
        "binary_cross_entropy",
        ("x", "y"),
        "−(y · log x + (1 − y) · log(1 − x)), where 0 · log 0 is 0",
        "torch.nn.functional.binary_cross_entropy",
        definition="-(xlogy(y, x) + xlog1py(1 - y, -x))",
        domain=(_UNIT, _UNIT),
    ),
    Operation(
        "binary_cross_entropy_with_logits",
        ("x", "y"),
        "binary_cross_entropy of sigmoid(x) and y",
        "torch.nn.functional.binary_cross_entropy_with_logits",
        definition="y * log1p(exp(-x)) + (1 - y) * log1p(exp(x))",
    ),
    Operation(
        "kl_div",
        ("x", "y"),
        "y · (log y − x), 0 where y = 0: x is the logarithm of a probability",
        "torch.nn.functional.kl_div",
        definition="where(y == 0, 0, y * (log(y) - x))",
        domain=(LINE, NONNEGATIVE),
    ),
    Operation(
        "kl_div_log",
        ("x", "y"),
        "eʸ · (y − x): kl_div with log_target=True",
        "torch.nn.functional.kl_div",
        definition="exp(y) * (y - x)",
    ),
    # Negative log-likelihoods
    Operation(
        "poisson_nll_loss",
        ("x", "y"),
        "eˣ − y · x: x is the logarithm of the rate",
        "torch.nn.functional.poisson_nll_loss",
        definition="exp(x) - y * x",
    ),
    Operation(
        "poisson_nll_loss_rate",
        ("x", "y", "eps"),
        "x − y · log(x + eps): poisson_nll_loss with log_input=False",
        "torch.nn.functional.poisson_nll_loss",
        definition="x - y * log(x + eps)",
        parameters={"eps": "1e-8"},
        domain=(NONNEGATIVE, LINE, LINE),
    ),
    Operation(
        "gaussian_nll_loss",
        ("x", "y", "var", "eps"),
        "(log v + (x − y)² / v) / 2 of the variance v = max(var, eps)",
        "torch.nn.functional.gaussian_nll_loss",
        definition="(log(max(var, eps)) + square(x - y) / max(var, eps)) / 2",
        parameters={"eps": "1e-6"},
        domain=(LINE, LINE, NONNEGATIVE, LINE),
        kinks=("var = eps",),
    ),
    # Of a margin
    Operation(
        "soft_margin_loss",
        ("x", "target"),
        "log(1 + e^(−target · x)) of a target ±1",
        "torch.nn.functional.soft_margin_loss",
        definition="log1p(exp(-x * target))",
        parameters={"target": None},
        examples={"target": ("1", "-1")},
    ),
    Operation(
        "hinge_embedding_loss",
        ("x", "target", "margin"),
        "x for the target 1, max(margin − x, 0) for −1, for any other their sum",
        "torch.nn.functional.hinge_embedding_loss",
        definition="where(target == 1, 0, relu(margin - x)) + where(target == -1, 0, x)",
        parameters={"target": None, "margin": "1"},
        kinks=("margin where target ≠ 1",),
        examples={"target": ("1", "-1")},
    ),
    Operation(
        "margin_ranking_loss",
        ("x1", "x2", "y", "margin"),
        "max(margin − y · (x1 − x2), 0)",
        "torch.nn.functional.margin_ranking_loss",
        definition="relu(margin - y * (x1 - x2))",
        parameters={"margin": "0"},
        kinks=("y · (x1 − x2) = margin",),
    ),
)
