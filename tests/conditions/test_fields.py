from __future__ import annotations

import pytest

from lakecheck.conditions.fields import FIELDS, is_known, step_of

KNOWN = [
    "duration",
    "severity",
    "service",
    "destination.rse",
    "vo",
    "source.vo",
    "labels.country",
    "source.labels.tier",
]
UNKNOWN = ["duraton", "labels.", "source.labels.", "destination", "severty", "ip", ""]


@pytest.mark.parametrize("name", [*KNOWN, "tpc.verified"])
def test_known_fields(name: str) -> None:
    assert is_known(name, ("tpc.verified",))


@pytest.mark.parametrize("name", [*UNKNOWN, "tpc.verified"])
def test_unknown_fields(name: str) -> None:
    assert not is_known(name)


def test_no_field_looks_like_a_check_before_a_field() -> None:
    assert [name for name in FIELDS if step_of(name)] == []
