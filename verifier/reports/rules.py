"""What fails a run, as the rules of code scanning: each verdict that is no match, by its
page in the manual, and what is not as expected beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from verifier.records import ChangeKind, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What the title of a finding means, and what to do."""

    id: str
    meaning: str
    way_out: str
    page: str
    """All that is said of it, in Markdown."""

    @property
    def family(self) -> str:
        """That of a verdict; of another rule its id."""
        return self.id.partition(".")[0]


def rule_of(title: str) -> str:
    """The id of the rule that a finding of this title breaks."""
    return "expectation" if title.startswith("expect.") else title.replace(" ", "-")


@cache
def rules() -> Mapping[str, Rule]:
    """All rules by id, always the same."""
    names = [v.value for v in Verdict if v.family != "match"]
    verdicts = {name: _of_verdict(name) for name in names}
    others = {rule_of(title): _other(title, *texts) for title, texts in _OTHERS.items()}
    return verdicts | others


@cache
def verdict_page(name: str) -> str:
    """The page of a verdict in the manual."""
    folder = resources.files("verifier") / "manual" / "verdicts"
    return (folder / f"{name}.md").read_text(encoding="utf-8")


def meaning(name: str) -> str:
    """What a verdict means: the first paragraph of its page, in one line."""
    return _joined(verdict_page(name).split("\n\n")[1])


def _of_verdict(name: str) -> Rule:
    page = verdict_page(name)
    way_out = page.partition("## The way out")[2]
    return Rule(id=name, meaning=meaning(name), way_out=_joined(way_out), page=page)


def _other(title: str, means: str, way_out: str) -> Rule:
    page = f"# {title}\n\n{means}\n\n## The way out\n\n{way_out}\n"
    return Rule(id=rule_of(title), meaning=means, way_out=way_out, page=page)


def _joined(text: str) -> str:
    """The paragraphs of a text without the ends of its lines."""
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n"))


_KEEP = "Correct it, or keep it by `--update-baseline`."
_OTHERS: Mapping[str, tuple[str, str]] = {
    "expectation": (
        "Something that the case expects does not hold.",
        "Correct the program, or what the case expects.",
    ),
    "interrupted": ("The case was stopped before its last point.", "Run it again."),
    ChangeKind.NEW_DIFFERENCE: (
        "Something differs that does not differ in the baseline.",
        _KEEP,
    ),
    ChangeKind.WORSE_VERDICT: ("The verdict is worse than in the baseline.", _KEEP),
    ChangeKind.MORE_POINTS: ("More points differ than in the baseline.", _KEEP),
    ChangeKind.LARGER_ERROR: (
        "The error is larger than in the baseline.",
        f"{_KEEP} `--growth FACTOR` says how much larger is still the same.",
    ),
    ChangeKind.VANISHED: (
        "The baseline has a result that this run lacks.",
        "Bring the case back, or take it out by `--update-baseline`.",
    ),
}
