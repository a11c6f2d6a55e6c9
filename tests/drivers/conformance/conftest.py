"""Tests here are coroutines; each runs at all places at once, since redirectors wait seconds."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lakecheck.devlake import Lake
from tests.drivers.conformance.arena import Bench, Call

BENCH = "on_bench"
ARGUMENTS = ("at", "over")


@pytest.fixture(scope="session")
def bench(lake: Lake, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    bench = Bench(lake, tmp_path_factory.mktemp("payloads"))
    yield bench
    bench.close()


@pytest.fixture(autouse=True)
def on_bench(bench: Bench) -> Bench:
    """Every test here needs it, though only the hook below takes it."""
    return bench


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    call = as_call(pyfuncitem)
    if call is None:
        return None
    bench: Bench = pyfuncitem.funcargs[BENCH]
    selected = [found for item in pyfuncitem.session.items if (found := as_call(item))]
    outcome = bench.outcome(call, selected)
    if outcome is not None:
        raise outcome
    return True


def as_call(item: pytest.Item) -> Call | None:
    if not isinstance(item, pytest.Function) or not hasattr(item, "callspec"):
        return None
    params = item.callspec.params
    argument = next((name for name in ARGUMENTS if name in params), None)
    if argument is None:
        return None
    rest = tuple((name, value) for name, value in params.items() if name != argument)
    return Call(item.function, argument, params[argument], rest)
