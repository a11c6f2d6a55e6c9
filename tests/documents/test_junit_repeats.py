"""Repeated names are counted as any counter would, in little memory."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lakecheck.documents.junit_repeats import Repeats


@given(st.lists(st.text(max_size=2)))
def test_it_counts(names: list[str]) -> None:
    seen: Counter[str] = Counter()
    repeats = Repeats()
    for name in names:
        seen[name] += 1
        assert repeats.count([name]) == [seen[name]]


def test_it_grows() -> None:
    repeats = Repeats()
    names = [str(number) for number in range(50_000)]
    assert repeats.count(names) == [1] * len(names)
    assert repeats.count(names[::-1]) == [2] * len(names)
    assert repeats.count(["another", "7", "another"]) == [1, 3, 2]
