"""What an error says, and where it says that it happened."""

from __future__ import annotations

import pytest

from verifier.errors import (
    BaselineError,
    CaseFileError,
    ExpressionError,
    Mistakes,
    Place,
    SelectionError,
    UsageError,
    VerifierError,
    check_option,
    did_you_mean,
    did_you_mean_kind,
    excerpt,
)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place(), ""),
        (Place(file="a.toml"), "a.toml"),
        (Place(file="a.toml", line=3), "a.toml:3"),
        (Place(line=3), ""),
        (Place(case="tail"), "[tail]"),
        (Place(key="at.x"), "at.x"),
        (Place(column=9), "column 9"),
        (Place(key="expression", column=9), "expression, column 9"),
        (Place(file="a.toml", line=3, case="tail"), "a.toml:3: [tail]"),
        (Place(file="a.toml", key="at"), "a.toml: at"),
        (
            Place(file="a.toml", line=3, case="tail", key="expression", column=9),
            "a.toml:3: [tail] expression, column 9",
        ),
    ],
)
def test_a_place_reads_file_line_case_key_column(place: Place, text: str) -> None:
    assert str(place) == text


def test_a_message_follows_its_place() -> None:
    error = CaseFileError("expected a, found b.", place=Place(file="a.toml", line=2))
    assert str(error) == "a.toml:2: expected a, found b."
    assert error.message == "expected a, found b."


def test_a_message_without_a_place_stands_alone() -> None:
    assert str(VerifierError("expected a, found b.")) == "expected a, found b."


def test_the_parts_of_a_place_that_are_unknown_are_filled_in() -> None:
    inner = ExpressionError("unknown operation", place=Place(column=9))
    outer = inner.at(Place(file="a.toml", line=3, case="tail", key="steps"))
    assert str(outer) == "a.toml:3: [tail] steps, column 9: unknown operation"


def test_the_parts_of_a_place_that_are_known_are_kept() -> None:
    own = Place(file="own.toml", line=1, case="own", key="own", column=1)
    other = Place(file="x.toml", line=2, case="x", key="x", column=2)
    assert VerifierError("m", place=own).at(other).place == own


@pytest.mark.parametrize(
    "cause",
    [ExpressionError, CaseFileError, SelectionError, BaselineError, UsageError],
)
def test_an_error_keeps_its_cause_when_it_is_placed(
    cause: type[VerifierError],
) -> None:
    found = cause("m").at(Place(file="a.toml"))
    assert type(found) is cause
    assert isinstance(found, VerifierError)


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        ("tanhh", ["sin", "tanh", "tan"], "tanh"),
        ("expresion", ["name", "expression"], "expression"),
        ("flot32", ["float32", "float64"], "float32"),
        ("LN", ["sin", "ln"], "ln"),
        ("qqq", ["sin", "tanh"], None),
        ("sin", [], None),
        ("", ["sin"], None),
    ],
)
def test_the_nearest_spelling_is_suggested(
    name: str, known: list[str], near: str | None
) -> None:
    expected = "" if near is None else f" Did you mean `{near}`?"
    assert did_you_mean(name, known) == expected


def test_something_else_is_said_where_no_name_is_near() -> None:
    assert did_you_mean("qqq", ["sin"], "Drop it.") == " Drop it."
    assert did_you_mean("sim", ["sin"], "Drop it.") == " Did you mean `sin`?"


def test_a_suggestion_may_have_a_prefix() -> None:
    assert did_you_mean("sim", ["sin"], prefix="m.") == " Did you mean `m.sin`?"


def test_an_option_that_names_nothing_known_is_refused() -> None:
    check_option("--dtype", ["float32"], ["float32", "float64"])
    with pytest.raises(UsageError) as error:
        check_option("--dtype", ["flot32"], ["float32", "float64"])
    assert error.value.message == (
        "--dtype: expected one of float32, float64, found `flot32`. "
        "Did you mean `float32`?"
    )


def test_known_names_may_be_a_generator() -> None:
    names = (name for name in ("sin", "ln"))
    assert did_you_mean("LN", names) == " Did you mean `ln`?"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("differ.unstabel", " Did you mean `differ.unstable`?"),
        ("match.unstable", " Did you mean `differ.unstable`?"),
        ("match.float32", ""),
        ("match", ""),
    ],
)
def test_of_names_with_a_point_what_follows_it_is_near(name: str, hint: str) -> None:
    known = ["match.exact", "differ.unstable", "differ.wrong"]
    assert did_you_mean_kind(name, known) == hint


EXCERPT = "\n    x $ y\n      ^"


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("found `a\n::error::b`.", r"found `a\n::error::b`."),
        ("found `a\r\n| b |\x1b[2J\u2028`.", r"found `a\r\n| b |\x1b[2J\u2028`."),
        ("found `a\n    b\n::c`.", r"found `a\n    b\n::c`."),
        (f"found `$`{EXCERPT}", f"found `$`{EXCERPT}"),
        (f"found `\n::`{EXCERPT} Mend it.", rf"found `\n::`{EXCERPT} Mend it."),
    ],
)
def test_what_is_quoted_begins_no_line(message: str, told: str) -> None:
    place = Place(file="a\nb", key="at.\n::error::")
    error = UsageError(message)
    assert str(error) == told
    assert str(error.at(place)) == rf"a\nb: at.\n::error::: {told}"
    assert Mistakes([error, error]).message == f"{told}\n{told}\n2 mistakes"


def test_an_excerpt_commands_no_runner() -> None:
    """GitHub's takes a line for a command whatever blanks stand before its `::`."""
    assert excerpt(" ::error::x", 2) == "     �:error::x\n     ^"
