"""PyTorch's own list of operations (`op_db`, what its tests run over): each elementwise
one has a row, or a reason."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping

import pytest

from verifier.language.operations import table as operations
from verifier.language.programs.parsing import parse

LISTING = """
import json, warnings
warnings.filterwarnings("ignore")
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import BinaryUfuncInfo, UnaryUfuncInfo
print(json.dumps([
    {
        "name": entry.name,
        "variant": entry.variant_test_name,
        "aliases": [alias.name for alias in entry.aliases or ()],
        "elementwise": isinstance(entry, (BinaryUfuncInfo, UnaryUfuncInfo)),
    }
    for entry in op_db
    if entry.supports_autograd
]))
"""
"""In a process of its own: importing PyTorch's test utilities sets flags of
PyTorch's."""

SPELLED: Mapping[str, str] = {
    "__radd__": "y + x",
    "__rsub__": "y - x",
    "__rmul__": "y * x",
    "__rdiv__": "y / x",
    "__rpow__": "y ** x",
    "__rmod__": "remainder(y, x)",
    "div:no_rounding_mode": "x / y",
    "div:trunc_rounding": "trunc(x / y)",
    "div:floor_rounding": "floor(x / y)",
    "max:binary": "max(x, y)",
    "min:binary": "min(x, y)",
    "round:decimals_0": "round(x, decimals=0)",
    "round:decimals_3": "round(x, decimals=3)",
    "round:decimals_neg_3": "round(x, decimals=-3)",
    "special.polygamma:special_polygamma_n_0": "polygamma(0, x)",
    **{f"polygamma:polygamma_n_{n}": f"polygamma({n}, x)" for n in range(5)},
    **{f"mvlgamma:mvlgamma_p_{p}": f"mvlgamma(x, p={p})" for p in (1, 3, 5)},
    "conj": "identity(x)",
    "conj_physical": "identity(x)",
    "real": "identity(x)",
}
"""Entries that are written otherwise here than by their name alone, as functions of
real numbers."""

CAST = "a cast: the verifier holds a program to one dtype"
COMPLEX = "complex operands or results: the language is of real numbers"
REASONS: Mapping[str, str] = {
    **dict.fromkeys(("bfloat16", "double", "float", "half"), CAST),
    **dict.fromkeys(
        ("cdouble", "cfloat", "chalf", "complex", "polar", "imag"), COMPLEX
    ),
    "fill": "its value is a constant",
    "frexp": "two results, one of them an integer",
    "nextafter": "a neighbour in the format, which no function of real numbers gives",
}
"""Elementwise entries without a row, and why."""

ACROSS = "one result is of many elements"
RANDOM = "random"
LAYOUT = "elements are moved, not computed with"
MODULES: Mapping[str, str] = {
    **dict.fromkeys(
        """
        adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d adaptive_max_pool2d
        adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d batch_norm bilinear conv1d conv2d conv3d
        conv_transpose1d conv_transpose2d conv_transpose3d cosine_embedding_loss cosine_similarity cross_entropy
        ctc_loss embedding_bag grid_sample group_norm instance_norm interpolate layer_norm linear
        linear_cross_entropy local_response_norm max_pool1d max_pool2d max_pool3d multi_head_attention_forward
        multi_margin_loss multilabel_margin_loss multilabel_soft_margin_loss nll_loss normalize pairwise_distance
        pdist rms_norm scaled_dot_product_attention softmin triplet_margin_loss triplet_margin_with_distance_loss
        upsample_bilinear
        """.split(),
        ACROSS,
    ),
    **dict.fromkeys(
        """
        alpha_dropout dropout dropout2d dropout3d feature_alpha_dropout fractional_max_pool2d fractional_max_pool3d
        """.split(),
        RANDOM,
    ),
    **dict.fromkeys(
        """
        channel_shuffle embedding max_unpool1d max_unpool2d max_unpool3d one_hot pad pixel_shuffle pixel_unshuffle
        unfold upsample_nearest
        """.split(),
        LAYOUT,
    ),
}
"""Functions of torch.nn.functional that are not elementwise, and why."""

OTHERS = ("addcdiv", "addcmul", "clamp", "lerp", "logaddexp2", "where")
"""Elementwise entries that `op_db` does not call so."""

Entry = Mapping[str, object]


@pytest.fixture(scope="module")
def listed() -> list[Entry]:
    """PyTorch's entries that can be differentiated."""
    pytest.importorskip("expecttest", reason="PyTorch's own tests need expecttest")
    run = subprocess.run(
        [sys.executable, "-c", LISTING], capture_output=True, text=True, check=False
    )
    if run.returncode and "ModuleNotFoundError" in run.stderr:
        pytest.skip(f"no op_db here: {run.stderr.strip().splitlines()[-1]}")
    assert run.returncode == 0, run.stderr
    found: list[Entry] = json.loads(run.stdout.strip().splitlines()[-1])
    return found


def key(entry: Entry) -> str:
    return f"{entry['name']}:{entry['variant']}".removesuffix(":")


def module_free(name: str) -> str:
    return name.rsplit(".", 1)[-1]


def has_row(name: str) -> bool:
    return name in SPELLED or operations.find(module_free(name)) is not None


def elementwise(listed: Iterable[Entry]) -> set[str]:
    return {key(entry) for entry in listed if entry["elementwise"]}


def modules(listed: Iterable[Entry]) -> set[str]:
    """The functions of torch.nn.functional, by their whole names."""
    names = (str(entry["name"]) for entry in listed)
    return {name for name in names if name.startswith("nn.functional.")}


def test_every_elementwise_operation_has_a_row_or_a_reason(listed: list[Entry]) -> None:
    names = elementwise(listed)
    assert len(names) > 100
    missing = {name for name in names if not has_row(name)}
    assert missing == set(REASONS)


def test_every_function_of_a_module_has_a_row_or_a_reason(listed: list[Entry]) -> None:
    names = modules(listed)
    assert len(names) > 80
    missing = {name for name in names if not has_row(name)}
    assert {module_free(name) for name in missing} == set(MODULES)


def test_every_other_elementwise_operation_has_a_row(listed: list[Entry]) -> None:
    names = {str(entry["name"]) for entry in listed}
    assert set(OTHERS) <= names
    assert all(has_row(name) for name in OTHERS)


def test_no_reason_is_stale() -> None:
    """An entry that has a row needs no reason, and one that has a reason no
    spelling."""
    assert [name for name in REASONS if has_row(name)] == []
    assert [name for name in MODULES if has_row(name)] == []


def test_every_spelling_is_of_the_language_and_of_an_entry(listed: list[Entry]) -> None:
    for text in SPELLED.values():
        parse(text, variables=("x", "y"))
    assert set(SPELLED) <= elementwise(listed)


def test_every_alias_of_pytorchs_finds_the_row(listed: list[Entry]) -> None:
    for entry in listed:
        row = operations.find(module_free(str(entry["name"])))
        if entry["elementwise"] and row is not None:
            for alias in entry["aliases"]:  # type: ignore[attr-defined]
                assert operations.find(module_free(alias)) is row, (row.name, alias)


@pytest.mark.parametrize("planted", ["erfinvv", "nn.functional.brand_new"])
def test_a_new_operation_of_pytorchs_would_be_missed(planted: str) -> None:
    """The check itself: an entry that nobody has heard of has no row and no reason."""
    assert not has_row(planted)
    assert planted not in REASONS
    assert module_free(planted) not in MODULES
