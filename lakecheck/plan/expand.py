"""Spec → cases: pure, so that every process gets the same cases in the same order."""

from __future__ import annotations

from collections.abc import Container, Mapping

from lakecheck import registry
from lakecheck.model import Case, Credential, Inventory, Kind, Spec, Test
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
    used = {name for case in cases if not case.skip for name in case.credentials}
    return (*credential_cases(spec.credentials, used), *cases)


def credential_cases(credentials: Mapping[str, Credential], used: Container[str]) -> list[Case]:
    """The case that checks each credential in use, where it is one that can be valid or not."""
    test = Test(name=CREDENTIALS, kind=CREDENTIALS, options=None, timeout=10)
    return [
        Case(test=test, id=name, place=name, steps=("valid",), credential=name)
        for name, credential in credentials.items()
        if name in used and matrix.needs_check(credential)
    ]
