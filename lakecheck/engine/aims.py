"""What is wanted of each case: the selected steps, and what executes them."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any

from msgspec import Struct

from lakecheck import registry
from lakecheck.model import Case, Kind
from lakecheck.probes.base import Steps

Selected = Mapping[str, tuple[Case, str]]


class Aim(Struct, frozen=True):
    """What is wanted of one case: its steps that were selected, and those that they need."""

    case: Case
    kind: Kind
    probe: Steps
    selected: frozenset[str]
    whole: bool = False  # other cases need all of it, whatever was selected
    diagnosis: Callable[[Any], Awaitable[Mapping[str, Any]]] | None = None

    @property
    def needed(self) -> frozenset[str]:
        """Selected steps and, in turn, whatever they need."""
        names = set(self.case.steps) if self.whole else set(self.selected)
        for step in reversed(self.kind.steps):
            if step.name in names:
                names.update(step.needs)
        return frozenset(names)

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of the selected steps, in the kind's order."""
        return tuple(step.name for step in self.kind.steps if step.name in self.selected)


@cache
def _object(name: str) -> Any:
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def aims(selected: Selected) -> dict[str, Aim]:
    """Give the aims by case; kinds that somebody else executes have none."""
    steps: dict[str, set[str]] = {}
    cases: dict[str, Case] = {}
    for case, step in selected.values():
        cases[case.address] = case
        steps.setdefault(case.address, set()).add(step)
    needed = {each.address: each for case in cases.values() for each in case.needs}
    for address, case in needed.items():
        cases.setdefault(address, case)
        steps.setdefault(address, set())
    found: dict[str, Aim] = {}
    # What others need comes first, wherever it stands.
    for address, case in sorted(cases.items(), key=lambda each: each[0] not in needed):
        kind: Kind = registry.load("kinds", case.test.kind)
        if kind.probe:
            whole, chosen = address in needed, frozenset(steps[address])
            wanted = kind.diagnosis and getattr(case.test.options, "diagnose", False)
            diagnosis = _object(kind.diagnosis) if wanted else None
            found[address] = Aim(case, kind, _object(kind.probe), chosen, whole, diagnosis)
    return found
