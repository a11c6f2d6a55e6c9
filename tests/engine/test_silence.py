"""Which endpoint is blamed when cases time out unanswered."""

from __future__ import annotations

import time
from typing import Any

from lakecheck.documents.result import Result
from lakecheck.engine.limits import Limits
from lakecheck.engine.scheduler import Blocker, Scheduler
from lakecheck.engine.seeds import seed_of
from lakecheck.engine.silence import Silence
from lakecheck.errors import Denied, TimedOut
from lakecheck.model import Case
from tests.engine.test_scheduler import endpoint, link, single

A, B, C, D = (endpoint(name) for name in "ABCD")


class Heard:
    """A silence that has heard what a test tells it."""

    def __init__(self) -> None:
        self.scheduler = Scheduler([], Limits(), seed_of)
        self.silence = Silence(self.scheduler)

    def hear(self, case: Case, outcome: Any, began: float | None = None) -> None:
        error = None if outcome == "answered" else TimedOut("silent")
        result = Result(case, case.steps[0], "failed", 0.0, error=error)
        self.silence.hear(case, time.monotonic() if began is None else began, outcome, result)

    @property
    def stalled(self) -> set[str]:
        return set(self.scheduler.stalled)


def test_an_endpoint_that_never_answered_is_stalled_by_its_first_silent_case() -> None:
    heard = Heard()

    heard.hear(single(A), "silent")

    assert heard.stalled == {A.url}
    assert heard.scheduler.stalled[A.url].address == "t::A.davs.100B.upload"


def test_one_that_answered_another_case_meanwhile_is_not() -> None:
    heard = Heard()
    began = time.monotonic()
    heard.hear(single(A, 1), "answered")

    heard.hear(single(A, 2), "silent", began)

    assert heard.stalled == set()
    assert heard.silence.troubled == {A.url}


def test_one_that_answered_before_the_case_began_is() -> None:
    heard = Heard()
    heard.hear(single(A, 1), "answered")

    heard.hear(single(A, 2), "silent")

    assert heard.stalled == {A.url}


def test_of_a_link_the_end_that_never_answered_is_blamed() -> None:
    heard = Heard()
    heard.silence.answer(A)

    heard.hear(link(A, B), "silent")

    assert heard.stalled == {B.url}


def test_of_two_ends_that_both_answered_neither_is_blamed_at_once() -> None:
    heard = Heard()
    heard.silence.answer(A)
    heard.silence.answer(B)

    heard.hear(link(A, B), "silent")

    assert heard.stalled == set()


def test_the_end_that_several_partners_have_in_common_is_blamed() -> None:
    heard = Heard()
    for end in (A, B, C, D):
        heard.silence.answer(end)

    heard.hear(link(A, D), "silent")
    heard.hear(link(B, D), "silent")

    assert heard.stalled == {D.url}


def test_an_answer_takes_suspicion_away() -> None:
    heard = Heard()
    for end in (A, B, C, D):
        heard.silence.answer(end)
    heard.hear(link(A, D), "silent")
    heard.silence.answer(D)

    heard.hear(link(B, D), "silent")

    assert heard.stalled == set()


def test_a_seed_that_is_refused_says_nothing_of_silence() -> None:
    heard = Heard()

    heard.silence.plant_failed(A, Blocker("t::seed", Denied("no")))
    assert heard.stalled == set()
    heard.silence.plant_failed(A, Blocker("t::seed", TimedOut("silent")))
    assert heard.stalled == {A.url}
