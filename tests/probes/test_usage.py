"""The usage kind: which names belong to whom, and sums that hold."""

from __future__ import annotations

import asyncio
import fnmatch
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakecheck.drivers.rucio_usage import Count, Holding, Usage
from lakecheck.errors import Overloaded, ProtocolError
from lakecheck.model import RSE, Inventory, ServiceChoice, Test
from lakecheck.probes.usage import KIND, Options
from lakecheck.probes.usage_experiments import Experiment, common, matches
from lakecheck.probes.usage_steps import STEPS, by_experiment, by_scope, rest

NAMES = st.text("ab", max_size=6)
PATTERNS = st.text("ab*", max_size=6)
COUNTS = st.builds(Count, st.integers(0, 9), st.integers(0, 9))
EXPERIMENTS = {
    "SKA": Experiment(scopes=("SKA_*",), accounts=("ska",)),
    "CTA": Experiment(scopes=("CTA_*", "gamma"), accounts=("cta*",)),
}


def held(scope: str, size: int, *accounts: str) -> Holding:
    return Holding(scope, f"d{size}", Count(size, 1), frozenset(accounts))


@given(PATTERNS, NAMES)
def test_a_star_is_any_number_of_characters(pattern: str, name: str) -> None:
    assert matches(pattern, name) == fnmatch.fnmatchcase(name, pattern)


@given(PATTERNS, PATTERNS)
def test_what_two_patterns_have_in_common_matches_both(one: str, two: str) -> None:
    name = common(one, two)
    assert (name is None) == (common(two, one) is None)
    if name is not None:
        assert matches(one, name)
        assert matches(two, name)


@given(PATTERNS, PATTERNS, NAMES)
def test_patterns_without_a_common_name_never_match_one(one: str, two: str, name: str) -> None:
    if matches(one, name) and matches(two, name):
        found = common(one, two)
        assert found is not None
        assert len(found) <= len(name)


@given(st.lists(COUNTS), COUNTS)
def test_parts_with_the_rest_are_the_total_and_nothing_is_negative(
    parts: list[Count], total: Count
) -> None:
    other, surplus = rest(parts, total)
    for unit in ("bytes", "files"):
        known = sum(getattr(part, unit) for part in parts)
        lack, excess = getattr(other, unit), getattr(surplus, unit)
        assert known + lack - excess == getattr(total, unit)
        assert min(lack, excess) == 0 <= max(lack, excess)


def test_scopes_are_summed() -> None:
    found = by_scope([held("SKA_A", 1), held("gamma", 2), held("SKA_A", 4, "ska")])
    assert found == {"SKA_A": Count(5, 2), "gamma": Count(2, 1)}


def test_a_scope_decides_before_accounts_do() -> None:
    counts, disputed = by_experiment(
        [
            held("SKA_A", 1, "cta1"),  # its scope's
            held("testing", 2, "ska", "root"),  # its account's
            held("testing", 4, "root"),  # nobody's
            held("gamma", 8),
        ],
        EXPERIMENTS,
    )
    assert counts == {"SKA": Count(3, 2), "CTA": Count(8, 1)}
    assert disputed == []


def test_what_two_experiments_hold_in_nobodys_scope_is_counted_for_neither() -> None:
    both = held("testing", 1, "ska", "cta2")
    counts, [disputed] = by_experiment([both, held("SKA_A", 2)], EXPERIMENTS)
    assert counts == {"SKA": Count(2, 1), "CTA": Count()}
    assert (disputed.holding, disputed.experiments) == (both, ("CTA", "SKA"))


def test_every_rse_has_a_case_and_one_for_each_experiment() -> None:
    service = ServiceChoice("rucio", "rucio", None, credential="robot")
    options = Options(via="rucio", experiments=EXPERIMENTS)
    inventory = Inventory({name: RSE(name, ()) for name in ("A", "B")})
    cases = [*KIND.cases(Test("usage", "usage", options, service=service), inventory)]

    assert [check for case in cases for check in case.checks][:6] == [
        "usage::A.space",
        "usage::A.accounts",
        "usage::A.scopes",
        "usage::A.SKA.used",
        "usage::A.CTA.used",
        "usage::A.other.used",
    ]
    assert [case.experiment for case in cases] == ["", "SKA", "CTA", "other"] * 2
    assert {case.credentials for case in cases} == {("none", "robot")}
    plain = KIND.cases(Test("usage", "usage", Options(via="rucio")), inventory)
    assert [case.id for case in plain] == ["A", "B"]


class Tools:
    """A case's tools over what a Rucio tells of its RSE's space, if it tells anything."""

    def __init__(self, told: dict[str, Any] | None) -> None:
        options = Options(via="rucio")
        test = Test("usage", "usage", options, timeout=0.05)
        [self.case] = KIND.cases(test, Inventory({"A": RSE("A", ())}))
        self.late = told is None
        self._told = told

    async def service(self) -> Any:
        async def ask(question: Any) -> Any:
            if self._told is None:
                await asyncio.sleep(60)
            return question(SimpleNamespace(get_rse_usage=lambda rse: [self._told]))

        busy = Overloaded("Rucio answered HTTP 503", code=503, side="service")
        return SimpleNamespace(usage=Usage(ask), silence=busy)


async def space(told: dict[str, Any] | None) -> Any:
    tools: Any = Tools(told)
    async with asyncio.timeout(tools.case.test.timeout):
        return await STEPS["space"](tools)


def test_a_rucio_that_stays_silent_is_told_with_its_reason() -> None:
    error = asyncio.run(space(None)).error
    assert isinstance(error, Overloaded)
    assert (error.code, error.side) == (503, "service")
    limit = "0.05s, the time of the whole case"
    assert error.message == f"Rucio answered HTTP 503 (for so long that {limit}, was over)"


def test_a_counter_below_zero_is_no_measurement() -> None:
    told = {"source": "rucio", "used": -5, "free": None, "files": 1}
    with pytest.raises(ProtocolError, match="Rucio counts -5 bytes in 1 files on A"):
        asyncio.run(space(told))
