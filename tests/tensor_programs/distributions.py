"""Log-probabilities, entropies, divergences and reparametrised samples of
`torch.distributions`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import distributions as D

from tensor_programs.program import (
    Draw,
    TensorProgram,
    above_1,
    bits,
    definite,
    given,
    indices,
    inner,
    named,
    normal,
    plain,
    positive,
    scaled,
    simplex,
    unit,
)

N = 4


def _log_prob(
    make: Callable[..., D.Distribution], value: Draw, *draws: Draw
) -> TensorProgram:
    return plain(
        lambda v, *parameters: make(*parameters, validate_args=False).log_prob(v),
        value,
        *draws,
    )


_COUNTS = Draw(lambda g: torch.randint(6, (N,), generator=g).double(), True, True)

LOG_PROBABILITIES = named(
    {
        f"{name}.log_prob": program
        for name, program in {
            "Bernoulli": _log_prob(D.Bernoulli, bits(N), unit(N)),
            "Beta": _log_prob(D.Beta, unit(N), positive(N), positive(N)),
            "Binomial": _log_prob(
                lambda p, **o: D.Binomial(7, p, **o), _COUNTS, unit(N)
            ),
            "Categorical": _log_prob(
                lambda p, **o: D.Categorical(logits=p, **o), indices(3, N), normal(N, 3)
            ),
            "Cauchy": _log_prob(D.Cauchy, normal(N), normal(N), positive(N)),
            "Chi2": _log_prob(D.Chi2, positive(N), positive(N)),
            "ContinuousBernoulli": _log_prob(D.ContinuousBernoulli, unit(N), unit(N)),
            "Dirichlet": _log_prob(D.Dirichlet, simplex(2, 3), positive(2, 3)),
            "Exponential": _log_prob(D.Exponential, positive(N), positive(N)),
            "FisherSnedecor": _log_prob(
                D.FisherSnedecor, positive(N), positive(N), positive(N)
            ),
            "Gamma": _log_prob(D.Gamma, positive(N), positive(N), positive(N)),
            "Geometric": _log_prob(D.Geometric, _COUNTS, unit(N)),
            "Gumbel": _log_prob(D.Gumbel, normal(N), normal(N), positive(N)),
            "HalfCauchy": _log_prob(D.HalfCauchy, positive(N), positive(N)),
            "HalfNormal": _log_prob(D.HalfNormal, positive(N), positive(N)),
            "InverseGamma": _log_prob(
                D.InverseGamma, positive(N), positive(N), positive(N)
            ),
            "Kumaraswamy": _log_prob(D.Kumaraswamy, unit(N), positive(N), positive(N)),
            "Laplace": _log_prob(D.Laplace, normal(N), normal(N), positive(N)),
            "LogNormal": _log_prob(D.LogNormal, positive(N), normal(N), positive(N)),
            "LogisticNormal": _log_prob(
                D.LogisticNormal, simplex(3), normal(2), positive(2)
            ),
            "LowRankMultivariateNormal": _log_prob(
                D.LowRankMultivariateNormal,
                normal(3),
                normal(3),
                normal(3, 2),
                positive(3),
            ),
            "Multinomial": _log_prob(
                lambda p, **o: D.Multinomial(6, logits=p, **o),
                given(1.0, 3.0, 2.0, dtype=torch.float64),
                normal(3),
            ),
            "MultivariateNormal": _log_prob(
                D.MultivariateNormal, normal(2, 3), normal(3), definite(3, 3)
            ),
            "NegativeBinomial": _log_prob(
                D.NegativeBinomial, _COUNTS, positive(N), unit(N)
            ),
            "Normal": _log_prob(D.Normal, normal(N), normal(N), positive(N)),
            "OneHotCategorical": _log_prob(
                lambda p, **o: D.OneHotCategorical(logits=p, **o),
                given([0.0, 1.0, 0.0], [1.0, 0.0, 0.0]),
                normal(2, 3),
            ),
            "Pareto": _log_prob(
                D.Pareto, scaled(above_1(N), 2.0), unit(N), positive(N)
            ),
            "Poisson": _log_prob(D.Poisson, _COUNTS, positive(N)),
            "RelaxedBernoulli": _log_prob(
                lambda p, **o: D.RelaxedBernoulli(
                    torch.tensor(0.7, dtype=p.dtype), p, **o
                ),
                unit(N),
                unit(N),
            ),
            "RelaxedOneHotCategorical": _log_prob(
                lambda p, **o: D.RelaxedOneHotCategorical(
                    torch.tensor(0.7, dtype=p.dtype), logits=p, **o
                ),
                simplex(2, 3),
                normal(2, 3),
            ),
            "StudentT": _log_prob(
                D.StudentT, normal(N), positive(N), normal(N), positive(N)
            ),
            "Uniform": _log_prob(D.Uniform, unit(N), scaled(unit(N), -1.0), above_1(N)),
            "VonMises": _log_prob(D.VonMises, normal(N), normal(N), positive(N)),
            "Weibull": _log_prob(D.Weibull, positive(N), positive(N), positive(N)),
            "Wishart": _log_prob(
                lambda c, **o: D.Wishart(torch.tensor(4.3, dtype=c.dtype), c, **o),
                definite(3, 3),
                definite(3, 3),
            ),
            "LKJCholesky": _log_prob(
                lambda c, **o: D.LKJCholesky(2, c, **o),
                given([1.0, 0.0], [0.6, 0.8], dtype=torch.float64),
                positive(1),
            ),
            "Independent Normal": _log_prob(
                lambda m, s, **o: D.Independent(D.Normal(m, s, **o), 1),
                normal(2, 3),
                normal(2, 3),
                positive(2, 3),
            ),
            "MixtureSameFamily": _log_prob(
                lambda w, m, s, **o: D.MixtureSameFamily(
                    D.Categorical(logits=w, **o), D.Normal(m, s, **o), **o
                ),
                normal(N),
                normal(3),
                normal(3),
                positive(3),
            ),
            "TransformedDistribution tanh": _log_prob(
                lambda m, s, **o: D.TransformedDistribution(
                    D.Normal(m, s, **o), [D.TanhTransform()], **o
                ),
                inner(N),
                normal(N),
                positive(N),
            ),
        }.items()
    }
)


def _entropy(make: Callable[..., D.Distribution], *draws: Draw) -> TensorProgram:
    return plain(lambda *p: make(*p, validate_args=False).entropy(), *draws)


def _divergence(make: Callable[..., D.Distribution], *draws: Draw) -> TensorProgram:
    half = len(draws)

    def call(*p: Any) -> Any:
        return D.kl_divergence(
            make(*p[:half], validate_args=False), make(*p[half:], validate_args=False)
        )

    return plain(call, *draws, *draws)


def _sample(make: Callable[..., D.Distribution], *draws: Draw) -> TensorProgram:
    return plain(lambda *p: make(*p, validate_args=False).rsample(), *draws)


OTHERS = named(
    {
        "Gamma.entropy": _entropy(D.Gamma, positive(N), positive(N)),
        "Categorical.entropy": _entropy(
            lambda p, **o: D.Categorical(logits=p, **o), normal(2, 3)
        ),
        "StudentT.entropy": _entropy(D.StudentT, positive(N)),
        "Normal kl": _divergence(D.Normal, normal(N), positive(N)),
        "Beta kl": _divergence(D.Beta, positive(N), positive(N)),
        "Dirichlet kl": _divergence(D.Dirichlet, positive(2, 3)),
        "MultivariateNormal kl": _divergence(
            D.MultivariateNormal, normal(3), definite(3, 3)
        ),
        "Normal.rsample": _sample(D.Normal, normal(N), positive(N)),
        "Gumbel.rsample": _sample(D.Gumbel, normal(N), positive(N)),
        "Gamma.rsample": _sample(D.Gamma, positive(N), positive(N)),
        "Normal.cdf": plain(
            lambda v, m, s: D.Normal(m, s).cdf(v), normal(N), normal(N), positive(N)
        ),
    }
)

PROGRAMS = (*LOG_PROBABILITIES, *OTHERS)
