"""Own tests in Python over the same matrix; pytest calls them, so they have no probe here."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from lakecheck.model import Case, Inventory, Kind, Step, Test, Traffic


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """A python test has no keys: its marks say what it needs."""


def cases(test: Test, inventory: Inventory) -> Iterator[Case]:
    """None: pytest finds them when it collects Python files."""
    return iter(())


def traffic(case: Case) -> Traffic:
    """Unknown, so none is counted."""
    return Traffic({}, {})


KIND = Kind(
    name="python",
    title="test functions of your own",
    options=Options,
    steps=(Step("call"),),
    cases=cases,
    traffic=traffic,
    probe="",
    declarable=False,
)
