"""Locks: any catalogue comes back from one as it was, and none is ever torn."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakecheck.inventory import Catalogue, lock
from lakecheck.spec.locks import LeftOut, Lock, LockedRSE, Unusable, entry_of, joined, read_lock

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,9}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = (
    TEXTS | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)  # fmt: skip
URLS = st.builds(
    "{}://{}:{}{}".format,
    st.sampled_from(["davs", "root", "gsiftp"]),
    st.sampled_from(["a.org", "b-c.example.org", "[2001:db8::7]", "192.0.2.1"]),
    st.integers(1, 65535),
    st.sampled_from(["", "/x", "//pnfs/y", "/a%20b/c"]),
)
RSES = st.builds(
    LockedRSE,
    endpoints=st.lists(URLS, min_size=1, max_size=4, unique=True).map(tuple),
    attributes=st.dictionaries(
        st.from_regex(r"[A-Za-z0-9._-]{1,8}", fullmatch=True), SCALARS, max_size=4
    ),
    checksum=st.sampled_from(["auto", "none", "md5"]),
    tpc=st.sampled_from([("pull",), ("pull", "push"), ("push",), "none"]),
)
CATALOGUES = st.builds(
    Catalogue,
    st.dictionaries(NAMES, RSES, max_size=5),
    st.lists(st.builds(LeftOut, TEXTS, TEXTS), max_size=3).map(tuple),
    st.none() | st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(0, 99), min_size=1)),
)
NOW, LATER = "2026-11-21T09:00:00Z", "2026-11-22T09:00:00Z"
A = LockedRSE(("davs://a:1/x",), {"tier": 1})
B = LockedRSE(("davs://b:1/x",))


@given(CATALOGUES, CATALOGUES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_catalogue_round_trips(tmp_path: Path, old: Catalogue, new: Catalogue) -> None:
    path = tmp_path / "cric.lock.json"
    first = lock.updated(None, old, "cric", "https://cric", NOW)
    lock.write(path, first)
    assert read_lock(path, "cric") == first
    second = lock.updated(first, new, "cric", "https://cric", LATER)
    lock.write(path, second)

    found = read_lock(path, "cric")
    assert (found.rses, found.distances) == (new.rses, new.distances)
    assert set(found.gone) == set(old.rses) - set(new.rses)
    assert path.read_bytes() == lock.encoded(found)
    assert path.read_bytes().endswith(b"}\n")
    assert lock.updated(found, new, "cric", "https://cric", "much later") is found


@given(st.lists(st.dictionaries(NAMES, RSES, max_size=4), max_size=3))
def test_joined_locks_have_all_endpoints_once_and_the_first_attributes(
    several: list[dict[str, LockedRSE]],
) -> None:
    locks = [Lock(source="cric", address="x", read=NOW, rses=rses) for rses in several]
    found = joined(locks)

    assert set(found) == {name for rses in several for name in rses}
    for name, rse in found.items():
        having = [rses[name] for rses in several if name in rses]
        assert set(rse.endpoints) == {url for each in having for url in each.endpoints}
        assert len(set(rse.endpoints)) == len(rse.endpoints)
        assert entry_of(rse).endpoints
        for attribute, value in having[0].attributes.items():
            assert rse.attributes[attribute] == value


def test_what_comes_back_is_no_longer_gone() -> None:
    first = lock.updated(None, Catalogue({"A": A, "B": B}), "cric", "x", NOW)
    second = lock.updated(first, Catalogue({"A": A}), "cric", "x", LATER)
    third = lock.updated(second, Catalogue({"A": A, "B": B}), "cric", "x", LATER)

    assert second.gone == {"B": B}
    assert third.gone == {}


def test_a_lock_is_readable() -> None:
    found = lock.updated(None, Catalogue({"A": A}), "cric", "https://cric", NOW)

    assert json.loads(lock.encoded(found)) == {
        "lock": 1,
        "source": "cric",
        "from": "https://cric",
        "read": NOW,
        "ignored": [],
        "rses": {"A": {"endpoints": ["davs://a:1/x"], "attributes": {"tier": 1}}},
        "gone": {},
    }


def test_a_write_that_ends_midway_leaves_the_old_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "l.json"
    lock.write(path, lock.updated(None, Catalogue({"A": A}), "cric", "x", NOW))
    before = path.read_bytes()

    def killed(number: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", killed)
    with pytest.raises(KeyboardInterrupt):
        lock.write(path, lock.updated(None, Catalogue({"B": B}), "cric", "x", NOW))

    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["l.json"]


WHOLE = lock.encoded(lock.updated(None, Catalogue({"A": A, "B": B}), "cric", "x", NOW))


@given(st.integers(0, len(WHOLE)), st.integers(0, 30), st.binary(max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_an_edited_lock_is_a_lock_or_a_sentence(
    tmp_path: Path, start: int, cut: int, put: bytes
) -> None:
    path = tmp_path / "l.json"
    path.write_bytes(WHOLE[:start] + put + WHOLE[start + cut :])

    with suppress(Unusable):
        assert isinstance(read_lock(path), Lock)


@pytest.mark.parametrize(
    ("content", "may"),
    [("", True), ('{\n  "lock": 1, "sour', True), ("# Notes", False), ('{"a": 1}', False)],
)
def test_only_locks_are_overwritten(tmp_path: Path, content: str, may: bool) -> None:
    path = tmp_path / "l.json"
    assert lock.may_replace(path)
    path.write_text(content)

    assert lock.may_replace(path) is may
