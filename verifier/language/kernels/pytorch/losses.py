"""PyTorch's kernels of elementwise losses.

Formulas of aten/src/ATen/native/Loss.cpp and FunctionsManual.cpp, gaussian_nll_loss in Python. What PyTorch does beside
the formula (logarithms and denominators clamped, a clamp hidden from autograd) is no rounding: it stands in
`convention` and in no `backward`, so that what it makes of a gradient is called wrong.
"""

from __future__ import annotations

from verifier.language.kernels.kernel import Kernel

EACH_ELEMENT = ("reduction", "none")
ACTIVE, SATURATED = "<2.14", ">=2.14"
"""Both losses of a margin end in `clamp_min(0)`, whose scalar bound lost its gradient
at the bound itself (pytorch/pytorch#191142; derivatives.yaml of 2.13 and 2.14)."""

ROWS = (
    # Of a difference
    Kernel(
        "mse_loss",
        "torch.nn.functional.mse_loss",
        ("2 * (x - y) * grad", "2 * (y - x) * grad"),
        forward="(x - y) * (x - y)",
        options=(EACH_ELEMENT,),
        same_shape=True,
    ),
    Kernel(
        "l1_loss",
        "torch.nn.functional.l1_loss",
        ("grad * sign(x - y)", "-(grad * sign(x - y))"),
        forward="abs(x - y)",
        convention="0 at x = y",
        options=(EACH_ELEMENT,),
        same_shape=True,
    ),
    Kernel(
        "huber_loss",
        "torch.nn.functional.huber_loss",
        (
            "where(x - y <= -delta, -grad * delta,"
            " where(x - y >= delta, grad * delta, (x - y) * grad))",
            "where(y - x <= -delta, -grad * delta,"
            " where(y - x >= delta, grad * delta, (y - x) * grad))",
        ),
        forward=(
            "where(abs(x - y) <= delta, 1/2 * abs(x - y) * abs(x - y),"
            " delta * (abs(x - y) - 1/2 * delta))"
        ),
        options=(EACH_ELEMENT,),
        same_shape=True,
    ),
    Kernel(
        "smooth_l1_loss",
        "torch.nn.functional.smooth_l1_loss",
        (
            "where(x - y <= -beta, -grad,"
            " where(x - y >= beta, grad, (x - y) * grad / beta))",
            "where(y - x <= -beta, -grad,"
            " where(y - x >= beta, grad, (y - x) * grad / beta))",
        ),
        forward=(
            "where(abs(x - y) < beta, 1/2 * abs(x - y) * abs(x - y) / beta,"
            " abs(x - y) - 1/2 * beta)"
        ),
        options=(EACH_ELEMENT,),
        same_shape=True,
    ),
    # Of two probabilities
    Kernel(
        "binary_cross_entropy",
        "torch.nn.functional.binary_cross_entropy",
        ("grad * (x - y) / ((1 - x) * x)", "-logit(x) * grad"),
        forward="(y - 1) * log1p(-x) - y * log(x)",
        convention="the logarithms of the value are no less than −100, x · (1 − x) in the gradient no less than 1e-12",
        options=(EACH_ELEMENT,),
        same_shape=True,
    ),
    Kernel(
        "binary_cross_entropy_with_logits",
        "torch.nn.functional.binary_cross_entropy_with_logits",
        ("(sigmoid(x) - y) * grad", "-x * grad"),
        forward="(1 - y) * x - logsigmoid(x)",
        options=(EACH_ELEMENT,),
        same_shape=True,
    ),
    Kernel(
        "kl_div",
        "torch.nn.functional.kl_div",
        ("-grad * y", "-grad * x + grad * log(y) + grad * y / y"),
        tangent="y_t * log(y) + y_t * y / y - (y * x_t + y_t * x)",
        forward="y * log(y) - y * x",
        options=(EACH_ELEMENT,),
        same_shape=True,
    ),
    Kernel(
        "kl_div_log",
        "torch.nn.functional.kl_div",
        ("-(grad * exp(y))", "grad * exp(y) + grad * (y - x) * exp(y)"),
        forward="exp(y) * (y - x)",
        options=(
            EACH_ELEMENT,
            ("log_target", True),
        ),
        same_shape=True,
    ),
    # Negative log-likelihoods
    Kernel(
        "poisson_nll_loss",
        "torch.nn.functional.poisson_nll_loss",
        ("grad * exp(x) + -grad * y", "-grad * x"),
        forward="exp(x) - y * x",
        options=(EACH_ELEMENT,),
        same_shape=True,
    ),
    Kernel(
        "poisson_nll_loss_rate",
        "torch.nn.functional.poisson_nll_loss",
        ("grad + -grad * y / (x + eps)", "-grad * log(x + eps)"),
        forward="x - y * log(x + eps)",
        options=(
            EACH_ELEMENT,
            ("log_input", False),
        ),
        same_shape=True,
    ),
    Kernel(
        "gaussian_nll_loss",
        "torch.nn.functional.gaussian_nll_loss",
        (
            "grad * (1/2) / max(var, eps) * (2 * (x - y))",
            "-(grad * (1/2) / max(var, eps) * (2 * (x - y)))",
            "where(var < eps, 0, -(grad * (1/2)) * ((x - y)**2 / var / var)"
            " + grad * (1/2) / var)",
        ),
        forward="1/2 * (log(max(var, eps)) + (x - y)**2 / max(var, eps))",
        convention="by a var below eps the derivative at eps: the clamp is hidden from autograd",
        options=(EACH_ELEMENT,),
        same_shape=True,
    ),
    # Of a margin
    Kernel(
        "soft_margin_loss",
        "torch.nn.functional.soft_margin_loss",
        ("-(target * exp(-target * x) / (exp(-target * x) + 1) * grad)",),
        forward="log1p(exp(-x * target))",
        options=(EACH_ELEMENT,),
        same_shape=True,
        labels=("target",),
    ),
    Kernel(
        "hinge_embedding_loss",
        "torch.nn.functional.hinge_embedding_loss",
        (
            "where(target == -1, 0, grad)"
            " + where(target == 1 or margin - x < 0, 0, -grad)",
        ),
        forward="where(target == 1, 0, relu(margin - x)) + where(target == -1, 0, x)",
        convention="the slope from the left at margin",
        options=(EACH_ELEMENT,),
        same_shape=True,
        labels=("target",),
        releases=ACTIVE,
    ),
    Kernel(
        "hinge_embedding_loss",
        "torch.nn.functional.hinge_embedding_loss",
        (
            "where(target == -1, 0, grad)"
            " + where(target == 1 or margin - x <= 0, 0, -grad)",
        ),
        forward="where(target == 1, 0, relu(margin - x)) + where(target == -1, 0, x)",
        convention="the slope from the right at margin",
        options=(EACH_ELEMENT,),
        same_shape=True,
        labels=("target",),
        releases=SATURATED,
    ),
    Kernel(
        "margin_ranking_loss",
        "torch.nn.functional.margin_ranking_loss",
        (
            "where(-y * (x1 - x2) + margin >= 0, grad * -y, 0)",
            "where(-y * (x1 - x2) + margin >= 0, -(grad * -y), 0)",
            "where(-y * (x1 - x2) + margin >= 0, -(grad * (x1 - x2)), 0)",
        ),
        forward="relu(-y * (x1 - x2) + margin)",
        convention="that of the active side at the kink",
        options=(EACH_ELEMENT,),
        same_shape=True,
        releases=ACTIVE,
    ),
    Kernel(
        "margin_ranking_loss",
        "torch.nn.functional.margin_ranking_loss",
        (
            "where(-y * (x1 - x2) + margin > 0, grad * -y, 0)",
            "where(-y * (x1 - x2) + margin > 0, -(grad * -y), 0)",
            "where(-y * (x1 - x2) + margin > 0, -(grad * (x1 - x2)), 0)",
        ),
        forward="relu(-y * (x1 - x2) + margin)",
        convention="0 at the kink",
        options=(EACH_ELEMENT,),
        same_shape=True,
        releases=SATURATED,
    ),
)
