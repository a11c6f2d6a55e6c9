"""What a plan adds up to."""

from __future__ import annotations

import msgspec

from lakecheck import plan
from tests.plan.test_expand import loaded

TEXT = """
lakecheck: 1
inventory:
  rses:
    A: {endpoints: ["davs://a.example.org:1/x"]}
    B: {endpoints: ["davs://b.example.org:1/x"]}
    C: {endpoints: ["root://c.example.org:1//x"]}
tests:
  f: {kind: functional, on: A, sizes: [1MB], every: 1h, driver: memory}
  c: {kind: tpc, sizes: [10MB], driver: memory}
"""


def test_cases_checks_and_bytes() -> None:
    totals = plan.totals(plan.expand(loaded(TEXT)))

    assert (totals.cases, totals.checks) == (1 + 6, 5 + 6)
    rows = {row.name: row for row in totals.tests}
    assert (rows["f"].bytes, rows["f"].every, rows["f"].per_day) == (10**6, 3600.0, 24.0)
    assert (rows["c"].cases, rows["c"].per_day) == (6, 1.0)


def test_bytes_of_each_rse_a_day_with_the_seeds_of_links() -> None:
    totals = plan.totals(plan.expand(loaded(TEXT)))

    a, b = totals.rses["A"], totals.rses["B"]
    # 24 uploads and downloads of 1 MB, one copy in each direction, and the seed of its own.
    assert (a.ingress, a.egress) == (24e6 + 10e6 + 10e6, 24e6 + 10e6)
    assert (b.ingress, b.egress) == (10e6 + 10e6, 10e6)
    assert "C" not in totals.rses


def test_what_will_be_skipped_is_listed_with_the_reason() -> None:
    totals = plan.totals(plan.expand(loaded(TEXT)))

    assert {each.what for each in totals.skipped} == {
        f"c::{link}.10MB" for link in ("A~C", "B~C", "C~A", "C~B")
    }
    assert all("share no third-party-copy protocol" in each.why for each in totals.skipped)


def test_totals_can_be_written_down() -> None:
    totals = plan.totals(plan.expand(loaded(TEXT)))

    rows = msgspec.to_builtins(totals)["tests"]
    assert [row["every"] for row in rows] == [3600.0, None]


def test_sizes_with_intervals_of_their_own_count_as_often_as_they_run() -> None:
    text = TEXT.replace("sizes: [1MB], every: 1h", "sizes: {1MB: 30m, 2MB: 15m, 4MB: 30m}")

    found = plan.totals(plan.expand(loaded(text)))

    row = found.tests[0]
    assert (row.every, row.intervals, row.per_day) == (None, [900.0, 1800.0], 96.0)
    copied = 10e6  # by the links, once a day
    assert found.rses["A"].egress == 48 * 1e6 + 96 * 2e6 + 48 * 4e6 + copied
