from __future__ import annotations

import pytest

from lakecheck.conditions.fields import FIELDS, is_known, step_of


@pytest.mark.parametrize("name", ["duration", "destination.rse", "labels.country", "tpc.verified"])
def test_known_fields(name: str) -> None:
    assert is_known(name, ("tpc.verified",))


@pytest.mark.parametrize("name", ["duraton", "labels.", "destination", "tpc.verified", ""])
def test_unknown_fields(name: str) -> None:
    assert not is_known(name)


def test_no_field_looks_like_a_check_before_a_field() -> None:
    assert [name for name in FIELDS if step_of(name)] == []
