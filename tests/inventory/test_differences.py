from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lakecheck.inventory import compare
from lakecheck.inventory.differences import Change
from lakecheck.spec.locks import LockedRSE
from tests.inventory.test_lock import NAMES, RSES

INVENTORIES = st.dictionaries(NAMES, RSES, max_size=4)


def test_every_sort_of_change() -> None:
    before = {
        "A": LockedRSE(("davs://a:1",), {"tier": 1, "old": True}),
        "B": LockedRSE(("davs://b:1",)),
    }
    after = {
        "A": LockedRSE(("root://a:2",), {"tier": 2, "new": "x"}, checksum="none", tpc="none"),
        "C": LockedRSE(("davs://c:1",)),
    }

    found = compare(before, after)

    assert found.changes == (
        Change("-", "A", "endpoint", before="davs://a:1"),
        Change("+", "A", "endpoint", after="root://a:2"),
        Change("+", "A", "attributes.new", after="x"),
        Change("-", "A", "attributes.old", before="true"),
        Change("~", "A", "attributes.tier", "1", "2"),
        Change("+", "A", "checksum", after="none"),
        Change("+", "A", "tpc", after="none"),
        Change("-", "B", "rse"),
        Change("-", "B", "endpoint", before="davs://b:1"),
        Change("+", "C", "rse"),
        Change("+", "C", "endpoint", after="davs://c:1"),
    )
    assert found.summary == "+C -B ~A"


@given(INVENTORIES, INVENTORIES)
def test_both_ways(one: dict[str, LockedRSE], other: dict[str, LockedRSE]) -> None:
    there, back = compare(one, other), compare(other, one)

    assert there.rses("+") == back.rses("-")
    assert there.rses("~") == back.rses("~")
    assert not compare(one, one).changes
    assert not compare(one, dict(reversed(one.items()))).changes
