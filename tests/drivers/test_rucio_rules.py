"""Following rules: all of a run with one question, until each is settled."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest

from lakecheck.drivers import rucio_rules
from lakecheck.drivers.rucio_rules import Rule, Rules, rule_of
from lakecheck.drivers.rucio_session import upload_name, upload_of
from lakecheck.errors import DriverError, Unreachable

TAG = "lakecheck 20261122T014837Z-e19cea98"


class FakeRucio:
    """Answers with what it has; `states` are those of each look, by rule, the last for ever."""

    def __init__(self, states: dict[str, list[str]]) -> None:
        self.states = states
        self.asked: list[tuple[float, str]] = []
        self.trouble: list[DriverError] = []

    async def __call__(self, tag: str) -> Sequence[Rule]:
        self.asked.append((time.monotonic(), tag))
        if self.trouble:
            raise self.trouble.pop(0)
        return [
            Rule(name, states.pop(0) if len(states) > 1 else states[0])
            for name, states in self.states.items()
        ]


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rucio_rules, "SOONEST", 0.01)


def followed(fake: FakeRucio, body: Callable[[Rules], Awaitable[object]]) -> Rules:
    async def main() -> Rules:
        rules = Rules(fake)
        try:
            async with asyncio.timeout(10):
                await body(rules)
        finally:
            await rules.close()
        return rules

    return asyncio.run(main())


@pytest.mark.parametrize("state", ["OK", "STUCK", "SUSPENDED"])
def test_a_rule_is_waited_for_until_it_is_settled(state: str) -> None:
    fake = FakeRucio({"a": ["INJECT", "REPLICATING", state]})

    async def body(rules: Rules) -> None:
        assert await rules.settled("a", TAG) == Rule("a", state)

    followed(fake, body)

    assert [tag for _, tag in fake.asked] == [TAG] * 3


def test_many_rules_are_asked_for_together() -> None:
    names = [f"r{number}" for number in range(200)]
    fake = FakeRucio({name: ["REPLICATING", "REPLICATING", "OK"] for name in names})

    async def body(rules: Rules) -> None:
        found = await asyncio.gather(*(rules.settled(name, TAG) for name in names))
        assert [rule.id for rule in found] == names

    followed(fake, body)

    assert len(fake.asked) == 3


def test_rules_of_two_runs_are_asked_for_apart() -> None:
    fake = FakeRucio({"a": ["OK"], "b": ["OK"]})

    async def body(rules: Rules) -> None:
        await asyncio.gather(rules.settled("a", "one"), rules.settled("b", "two"))

    followed(fake, body)

    assert {tag for _, tag in fake.asked} == {"one", "two"}


def test_nobody_is_asked_when_nobody_waits() -> None:
    fake = FakeRucio({"a": ["OK"], "b": ["OK"]})

    async def body(rules: Rules) -> None:
        await rules.settled("a", TAG)
        await asyncio.sleep(0.1)
        assert len(fake.asked) == 1
        await rules.settled("b", TAG)

    followed(fake, body)

    assert len(fake.asked) == 2


def test_what_was_last_told_is_kept_for_who_gives_up() -> None:
    fake = FakeRucio({"a": ["REPLICATING"]})

    async def body(rules: Rules) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await rules.settled("a", TAG)

    rules = followed(fake, body)

    assert rules.last["a"].state == "REPLICATING"


def test_a_silent_rucio_is_asked_again_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeRucio({"a": ["OK"]})
    fake.trouble = [Unreachable("Connection refused", side="service") for _ in range(3)]

    async def body(rules: Rules) -> None:
        waiting = asyncio.ensure_future(rules.settled("a", TAG))
        while len(fake.trouble) > 1:
            await asyncio.sleep(0.005)
        assert isinstance(rules.trouble, Unreachable)
        await waiting
        assert rules.trouble is None

    with caplog.at_level(logging.WARNING, "lakecheck.drivers"):
        followed(fake, body)

    assert [record.getMessage() for record in caplog.records] == [
        "following rules: Connection refused"
    ]


def test_questions_become_rarer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rucio_rules, "SHARE", 0.5)
    fake = FakeRucio({"a": ["REPLICATING"]})

    async def body(rules: Rules) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.5):
                await rules.settled("a", TAG)

    followed(fake, body)

    moments = [moment for moment, _ in fake.asked]
    assert len(moments) < 20
    assert moments[-1] - moments[-2] > 4 * (moments[1] - moments[0])


def test_what_the_client_gives() -> None:
    told = {
        "id": "dbb05884-05ab-4635-9633-d3f4833ee33d",
        "state": "STUCK",
        "error": None,
        "locks_ok_cnt": 1,
        "locks_replicating_cnt": None,
        "locks_stuck_cnt": 2,
        "child_rule_id": None,
        "expires_at": None,
    }

    assert rule_of(told) == Rule("dbb0588405ab46359633d3f4833ee33d", "STUCK", "", (1, 0, 2))


def test_the_rest_of_an_upload_is_named_with_what_removing_it_takes() -> None:
    for ca in ("", "/etc/grid-security/certificates"):
        name = upload_name("LAKE-1", "testing:lakecheck.20261121T090000Z-7f3a90c1-0", ca)
        assert upload_of(name) == (
            "LAKE-1",
            "testing:lakecheck.20261121T090000Z-7f3a90c1-0",
            ca,
        )
