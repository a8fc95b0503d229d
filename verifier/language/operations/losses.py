"""Elementwise losses of torch.nn.functional (reduction="none", no weight) of an input x and its target y.

Formulas by PyTorch 2.13: aten/src/ATen/native/Loss.cpp and FunctionsManual.cpp, gaussian_nll_loss in Python. What
PyTorch does beside the formula (logarithms and denominators clamped, a clamp hidden from autograd) is no rounding: it
stands in `convention` and in no `backward`, so that what it makes of a gradient is called wrong.
"""

from __future__ import annotations

from verifier.language.operations.operation import LINE, NONNEGATIVE, defined, interval

_UNIT = interval("[0, 1]")

ROWS = (
    # Of a difference
    defined(
        "mse_loss",
        "x, y",
        "(x − y)²",
        "square(x - y)",
        ("2 * (x - y) * grad", "2 * (y - x) * grad"),
        "torch.nn.functional.mse_loss",
        forward="(x - y) * (x - y)",
    ),
    defined(
        "l1_loss",
        "x, y",
        "|x − y|",
        "abs(x - y)",
        ("grad * sign(x - y)", "-(grad * sign(x - y))"),
        "torch.nn.functional.l1_loss",
        kinks=("x = y",),
        convention="0 at x = y",
        forward="abs(x - y)",
    ),
    defined(
        "huber_loss",
        "x, y",
        "(x − y)² / 2 up to a distance of delta, beyond it delta · (|x − y| − delta / 2)",
        "where(abs(x - y) <= delta, square(x - y) / 2, delta * (abs(x - y) - delta / 2))",
        (
            "where(x - y <= -delta, -grad * delta,"
            " where(x - y >= delta, grad * delta, (x - y) * grad))",
            "where(y - x <= -delta, -grad * delta,"
            " where(y - x >= delta, grad * delta, (y - x) * grad))",
        ),
        "torch.nn.functional.huber_loss",
        parameters="delta = 1",
        forward="where(abs(x - y) <= delta, 1/2 * abs(x - y) * abs(x - y),"
        " delta * (abs(x - y) - 1/2 * delta))",
    ),
    defined(
        "smooth_l1_loss",
        "x, y",
        "(x − y)² / (2 · beta) up to a distance of beta, beyond it |x − y| − beta / 2",
        "where(abs(x - y) < beta, square(x - y) / (2 * beta), abs(x - y) - beta / 2)",
        (
            "where(x - y <= -beta, -grad,"
            " where(x - y >= beta, grad, (x - y) * grad / beta))",
            "where(y - x <= -beta, -grad,"
            " where(y - x >= beta, grad, (y - x) * grad / beta))",
        ),
        "torch.nn.functional.smooth_l1_loss",
        parameters="beta = 1",
        forward="where(abs(x - y) < beta, 1/2 * abs(x - y) * abs(x - y) / beta,"
        " abs(x - y) - 1/2 * beta)",
    ),
    # Of two probabilities
    defined(
        "binary_cross_entropy",
        "x, y",
        "−(y · log x + (1 − y) · log(1 − x)), where 0 · log 0 is 0",
        "-(xlogy(y, x) + xlog1py(1 - y, -x))",
        ("grad * (x - y) / ((1 - x) * x)", "-logit(x) * grad"),
        "torch.nn.functional.binary_cross_entropy",
        domain=(_UNIT, _UNIT),
        convention="the logarithms of the value are no less than −100, x · (1 − x) in the gradient no less than 1e-12",
        forward="(y - 1) * log1p(-x) - y * log(x)",
    ),
    defined(
        "binary_cross_entropy_with_logits",
        "x, y",
        "binary_cross_entropy of sigmoid(x) and y",
        "y * log1p(exp(-x)) + (1 - y) * log1p(exp(x))",
        ("(sigmoid(x) - y) * grad", "-x * grad"),
        "torch.nn.functional.binary_cross_entropy_with_logits",
        forward="(1 - y) * x - logsigmoid(x)",
    ),
    defined(
        "kl_div",
        "x, y",
        "y · (log y − x), 0 where y = 0: x is the logarithm of a probability",
        "where(y == 0, 0, y * (log(y) - x))",
        ("-grad * y", "-grad * x + grad * log(y) + grad * y / y"),
        "torch.nn.functional.kl_div",
        tangent="y_t * log(y) + y_t * y / y - (y * x_t + y_t * x)",
        domain=(LINE, NONNEGATIVE),
        forward="y * log(y) - y * x",
    ),
    defined(
        "kl_div_log",
        "x, y",
        "eʸ · (y − x): kl_div with log_target=True",
        "exp(y) * (y - x)",
        ("-(grad * exp(y))", "grad * exp(y) + grad * (y - x) * exp(y)"),
        "torch.nn.functional.kl_div",
        forward="exp(y) * (y - x)",
    ),
    # Negative log-likelihoods
    defined(
        "poisson_nll_loss",
        "x, y",
        "eˣ − y · x: x is the logarithm of the rate",
        "exp(x) - y * x",
        ("grad * exp(x) + -grad * y", "-grad * x"),
        "torch.nn.functional.poisson_nll_loss",
        forward="exp(x) - y * x",
    ),
    defined(
        "poisson_nll_loss_rate",
        "x, y",
        "x − y · log(x + eps): poisson_nll_loss with log_input=False",
        "x - y * log(x + eps)",
        ("grad + -grad * y / (x + eps)", "-grad * log(x + eps)"),
        "torch.nn.functional.poisson_nll_loss",
        parameters="eps = 1e-8",
        domain=(NONNEGATIVE, LINE, LINE),
        forward="x - y * log(x + eps)",
    ),
    defined(
        "gaussian_nll_loss",
        "x, y, var",
        "(log v + (x − y)² / v) / 2 of the variance v = max(var, eps)",
        "(log(max(var, eps)) + square(x - y) / max(var, eps)) / 2",
        (
            "grad * (1/2) / max(var, eps) * (2 * (x - y))",
            "-(grad * (1/2) / max(var, eps) * (2 * (x - y)))",
            "where(var < eps, 0, -(grad * (1/2)) * ((x - y)**2 / var / var)"
            " + grad * (1/2) / var)",
        ),
        "torch.nn.functional.gaussian_nll_loss",
        parameters="eps = 1e-6",
        domain=(LINE, LINE, NONNEGATIVE, LINE),
        kinks=("var = eps",),
        convention="by a var below eps the derivative at eps: the clamp is hidden from autograd",
        forward="1/2 * (log(max(var, eps)) + (x - y)**2 / max(var, eps))",
    ),
    # Of a margin
    defined(
        "soft_margin_loss",
        "x",
        "log(1 + e^(−target · x)) of a target ±1",
        "log1p(exp(-x * target))",
        ("-(target * exp(-target * x) / (exp(-target * x) + 1) * grad)",),
        "torch.nn.functional.soft_margin_loss",
        parameters="target",
        forward="log1p(exp(-x * target))",
    ),
    defined(
        "hinge_embedding_loss",
        "x",
        "x for the target 1, max(margin − x, 0) for −1, for any other their sum",
        "where(target == 1, 0, relu(margin - x)) + where(target == -1, 0, x)",
        (
            "where(target == -1, 0, grad)"
            " + where(target == 1 or margin - x < 0, 0, -grad)",
        ),
        "torch.nn.functional.hinge_embedding_loss",
        parameters="target, margin = 1",
        kinks=("margin where target ≠ 1",),
        convention="the slope from the left at margin",
        forward="where(target == 1, 0, relu(margin - x)) + where(target == -1, 0, x)",
    ),
    defined(
        "margin_ranking_loss",
        "x1, x2, y",
        "max(margin − y · (x1 − x2), 0)",
        "relu(margin - y * (x1 - x2))",
        (
            "where(-y * (x1 - x2) + margin >= 0, grad * -y, 0)",
            "where(-y * (x1 - x2) + margin >= 0, -(grad * -y), 0)",
            "where(-y * (x1 - x2) + margin >= 0, -(grad * (x1 - x2)), 0)",
        ),
        "torch.nn.functional.margin_ranking_loss",
        parameters="margin = 0",
        kinks=("y · (x1 − x2) = margin",),
        convention="that of the active side at the kink",
        forward="relu(-y * (x1 - x2) + margin)",
    ),
)
