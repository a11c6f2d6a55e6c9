"""Calls that are made again while a service is in trouble, and what is said of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import pytest
from tenacity import wait_none

from lakecheck.drivers import patience
from lakecheck.drivers.patience import Patience, is_away
from lakecheck.errors import Denied, DriverError, ProtocolError, Unreachable


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "WAIT", wait_none())


def made(times: int, error: DriverError) -> tuple[str, Patience]:
    """Make a call that fails so often, then succeeds."""
    left = [error] * times

    def call() -> str:
        if left:
            raise left.pop()
        return "answer"

    async def main() -> tuple[str, Patience]:
        calls = Patience("rucio", 1)
        try:
            return await calls.patiently(call), calls
        finally:
            calls.close()

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (0, []),
        (1, []),  # a server may close a connection just when it is asked
        (2, ["rucio: gone; trying again"]),
        (5, ["rucio: gone; trying again"]),
    ],
)
def test_trouble_is_told_once_and_only_if_it_lasts(
    times: int, told: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "lakecheck.drivers"):
        answer, calls = made(times, Unreachable("gone", side="service"))

    assert answer == "answer"
    assert calls.trouble is None
    assert [record.getMessage() for record in caplog.records] == told


def test_what_will_not_pass_is_raised_at_once() -> None:
    with pytest.raises(Denied):
        made(1, Denied("no"))


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (Unreachable("gone", side="service"), True),
        (Unreachable("gone", side="storage"), False),
        (Denied("no", side="service"), False),
        (ProtocolError("what", code=404, side="service"), False),
    ],
)
def test_only_a_service_is_away(error: DriverError, away: bool) -> None:
    found: Callable[[BaseException], bool] = is_away
    assert found(error) is away
