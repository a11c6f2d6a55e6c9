"""What a plan adds up to: cases, checks and bytes, per test and per RSE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct, field

from lakecheck.model import Case, Kind
from lakecheck.plan.expand import kind_of

DAY = 86400.0


class TestTotals(Struct):
    """One test: its cases, checks and bytes a run, and how many runs a day it asks for.

    Where its sizes have intervals of their own, `every` is None, and `per_day` counts the runs of
    the most frequent one.
    """

    name: str
    kind: str
    cases: int = 0
    checks: int = 0
    bytes: int = 0
    every: float | None = None
    per_day: float = 1.0
    intervals: list[float] = field(default_factory=list)  # s; each once, shortest first

    __test__ = False


class RseTotals(Struct):
    """One RSE: bytes in and out, and transfers, per day."""

    ingress: float = 0
    egress: float = 0
    transfers: float = 0


class Skipped(Struct):
    """A case, or one check of it, that is planned but will not run."""

    what: str
    why: str


class Plan(Struct):
    """Everything that `lakecheck plan` shows; `duration` is None until there is a history."""

    cases: int = 0
    checks: int = 0
    bytes: int = 0
    duration: float | None = None
    tests: list[TestTotals] = field(default_factory=list)
    rses: dict[str, RseTotals] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    over_budget: list[Any] = field(default_factory=list)


def totals(cases: Sequence[Case]) -> Plan:
    """Add up cases; frequencies missing in the spec count as once a day."""
    plan = Plan()
    tests: dict[str, TestTotals] = {}
    kinds: dict[str, Kind] = {}
    seeds: set[tuple[str, int, str]] = set()
    for case in cases:
        row = tests.get(case.test.name)
        if row is None:
            row = tests[case.test.name] = TestTotals(case.test.name, case.test.kind)
            kinds[case.test.name] = kind_of(case)
        plan.cases += 1
        row.cases += 1
        row.checks += len(case.steps)
        _frequency(row, case)
        if case.skip:
            plan.skipped.append(Skipped(case.address, case.skip))
        else:
            _checks(plan, case, kinds[case.test.name])
            _traffic(plan, row, case, kinds[case.test.name])
            _seed(plan, row, case, seeds)
    plan.tests = list(tests.values())
    plan.checks = sum(row.checks for row in plan.tests)
    plan.bytes = sum(row.bytes for row in plan.tests)
    return plan


def _frequency(row: TestTotals, case: Case) -> None:
    """Note how often a case runs."""
    every = case.every or case.test.every
    if every and every not in row.intervals:
        # A plain number: what a spec holds is of a class of its own, which no JSON knows.
        row.intervals = sorted([*row.intervals, float(every)])
        row.every = row.intervals[0] if len(row.intervals) == 1 else None
        row.per_day = DAY / row.intervals[0]


def _checks(plan: Plan, case: Case, kind: Kind) -> None:
    """Note the checks of a case of which the spec says already that they do not apply."""
    known = kind.skips(case) if kind.skips else {}
    plan.skipped.extend(
        Skipped(f"{case.address}.{step}", known[step]) for step in case.steps if step in known
    )


def _seed(plan: Plan, row: TestTotals, case: Case, seeds: set[tuple[str, int, str]]) -> None:
    """Add the file that the links of one source share, once."""
    if case.source is None or case.needs:
        return
    seed = (case.source.url, case.size, case.credential)
    if seed in seeds:
        return
    seeds.add(seed)
    every = case.every or case.test.every
    entry = plan.rses.setdefault(case.source.rse, RseTotals())
    entry.ingress += case.size * (DAY / every if every else 1.0)
    row.bytes += case.size


def _traffic(plan: Plan, row: TestTotals, case: Case, kind: Kind) -> None:
    moved = kind.traffic(case)
    every = case.every or case.test.every
    per_day = DAY / every if every else 1.0
    for rse, count in moved.ingress.items():
        entry = plan.rses.setdefault(rse, RseTotals())
        entry.ingress += count * per_day
        entry.transfers += moved.transfers * per_day
        row.bytes += count
    for rse, count in moved.egress.items():
        entry = plan.rses.setdefault(rse, RseTotals())
        entry.egress += count * per_day
        if rse not in moved.ingress:
            entry.transfers += moved.transfers * per_day
