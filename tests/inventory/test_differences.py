from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lakecheck.inventory import Catalogue, compare
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

    found = compare(Catalogue(before), Catalogue(after))

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
    first, second = Catalogue(one), Catalogue(other)
    there, back = compare(first, second), compare(second, first)

    assert there.rses("+") == back.rses("-")
    assert there.rses("~") == back.rses("~")
    assert not compare(first, first).changes
    assert not compare(first, Catalogue(dict(reversed(one.items())))).changes


def test_distances_where_both_tell_some() -> None:
    rses = {name: LockedRSE((f"davs://{name.lower()}:1",)) for name in "ABC"}
    before = Catalogue(rses, (), {"A": {"B": 1, "C": 2}, "B": {"A": 1}})
    after = Catalogue(rses, (), {"A": {"B": 1, "C": 3}, "C": {"A": 5}})

    found = compare(before, after)

    assert found.changes == (
        Change("~", "A", "distance C", "2", "3"),
        Change("-", "B", "distance A", before="1"),
        Change("+", "C", "distance A", after="5"),
    )
    assert not compare(Catalogue(rses), after).changes
    fewer = Catalogue({name: rses[name] for name in "AB"}, (), {"A": {"B": 1}, "B": {"A": 1}})
    assert {each.rse for each in compare(fewer, before).changes} == {"C"}


def test_what_is_usual_need_not_be_told() -> None:
    told = {"deterministic": True, "volatile": False, "staging_area": "false", "rse_type": "DISK"}
    silent, saying = (LockedRSE(("davs://a:1",), each) for each in ({}, told))
    other = LockedRSE(("davs://a:1",), {"deterministic": False})

    assert not compare(Catalogue({"A": silent}), Catalogue({"A": saying})).changes
    assert len(compare(Catalogue({"A": saying}), Catalogue({"A": other})).changes) == 1
