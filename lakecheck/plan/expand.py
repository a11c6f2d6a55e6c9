"""Spec → cases: pure, so that every process gets the same cases in the same order."""

from __future__ import annotations

from collections.abc import Iterable

from lakecheck import registry
from lakecheck.model import Case, Inventory, Kind, Spec, Test
from lakecheck.plan import matrix

CREDENTIALS = "credentials"


def kind_of(case: Case) -> Kind:
    """The Kind that a case belongs to."""
    kind: Kind = registry.load("kinds", case.test.kind)
    return kind


def expand(spec: Spec, inventory: Inventory | None = None) -> tuple[Case, ...]:
    """All cases of a spec, each credential in use first, then test by test."""
    inventory = inventory or spec.inventory
    cases: list[Case] = []
    for test in spec.tests.values():
        kind: Kind = registry.load("kinds", test.kind)
        cases.extend(kind.cases(test, inventory))
    return (*_credentials(spec, cases), *cases)


def _credentials(spec: Spec, cases: Iterable[Case]) -> list[Case]:
    used = {case.credential for case in cases if not case.skip}
    test = Test(name=CREDENTIALS, kind=CREDENTIALS, options=None, timeout=10)
    return [
        Case(test=test, id=name, place=name, steps=("valid",), credential=name)
        for name, credential in spec.credentials.items()
        if name in used and matrix.needs_check(credential)
    ]


def credential_case(name: str) -> str:
    """Address of the case that checks a credential."""
    return f"{CREDENTIALS}::{name}"
