"""Releases of what is installed, and ranges of them: for which something holds."""

from __future__ import annotations

from functools import cache
from importlib import metadata
from itertools import zip_longest

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

UNKNOWN = "unknown"
"""The version of what is not installed as a distribution."""


@cache
def installed(distribution: str) -> str:
    """The version of what is installed; reading it takes longer than a small case."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return UNKNOWN


def release(version: str) -> str:
    """The release that a version is of: 2.13.0+cpu is of 2.13.0, and a nightly build
    2.15.0.dev20261101 counts as the 2.15.0 that it leads to."""
    try:
        return Version(version).base_version
    except InvalidVersion:
        return version


def check_range(text: str) -> str:
    """The text if it is a range of releases, such as `<2.14` or `>=2.6,<2.8` (PEP 440);
    a `ValueError` says why it is none."""
    try:
        parts = SpecifierSet(text)
    except InvalidSpecifier as error:
        raise ValueError("is no range of releases") from error
    if not parts:
        raise ValueError("names no release")
    for part in parts:
        if part.operator == "===" or release(part.version) != part.version:
            raise ValueError("names more than a release")
    return text


@cache
def holds(range_: str, version: str) -> bool:
    """Whether a version is of a release within the range; one that is unknown counts as
    newer than all."""
    known = release(version)
    try:
        return SpecifierSet(range_).contains(Version(known), prereleases=True)
    except InvalidVersion:
        return SpecifierSet(range_).contains(Version("999999"), prereleases=True)


def numbers(version: str | None) -> tuple[int, ...]:
    """The numbers of a release, by which releases sort; none where it is unknown."""
    try:
        return Version(version or "").release
    except InvalidVersion:
        return ()


def distance(one: str | None, other: str | None) -> tuple[int, ...]:
    """How far two releases are apart, the larger steps first."""
    pairs = zip_longest(numbers(one), numbers(other), fillvalue=0)
    return tuple(abs(first - second) for first, second in pairs)
