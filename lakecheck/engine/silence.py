"""Learns which endpoints live, and which let cases time out unanswered."""

from __future__ import annotations

import time

from lakecheck.documents.result import Result
from lakecheck.engine.executor import Outcome
from lakecheck.engine.scheduler import Blocker, Scheduler, service_key
from lakecheck.model import Case, Endpoint, ServiceChoice

# Links that may time out between ends which both answered before, until one end is blamed.
PARTNERS = 2


class Silence:
    """Tells the scheduler of endpoints that answer, and stalls those that are silent."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._partners: dict[str, set[str]] = {}  # endpoint's URL → other ends of silent links
        self.troubled: set[str] = set()  # URLs of endpoints at which anything timed out

    def hear(self, case: Case, began: float, outcome: Outcome, result: Result) -> None:
        """Learn from a step of a case that began at a monotonic time."""
        if not case.driven:
            return
        if case.asks:
            self._hear_through(case, result)
            return
        ends = [end for end in (case.source, case.endpoint) if end]
        if outcome == "answered":
            for end in ends:
                self.answer(end)
            return
        blocker = Blocker(result.address, result.error)
        if result.error is not None and result.error.error_class == "timeout":
            self.troubled.update(end.url for end in ends)
        if outcome == "silent" and (guilty := self._guilty(ends, began)):
            self._scheduler.stall(guilty.url, blocker)

    def _hear_through(self, case: Case, result: Result) -> None:
        """Block what goes through a service that has never answered; storages are not judged."""
        assert case.test.service is not None
        name = service_key(case.test.service.name)
        if result.error is not None and name not in self._scheduler.answered:
            self._scheduler.stall(name, Blocker(result.address, result.error))

    def answer_of(self, service: ServiceChoice) -> None:
        """Note that a service has answered."""
        self._scheduler.answer_of(service, time.monotonic())

    def answer(self, endpoint: Endpoint) -> None:
        """Note that an endpoint has answered something."""
        self._partners.pop(endpoint.url, None)
        self._scheduler.answer(endpoint, time.monotonic())

    def plant_failed(self, source: Endpoint, blocker: Blocker) -> None:
        """Learn from a seed that could not be uploaded."""
        if blocker.error is None or blocker.error.error_class != "timeout":
            return
        self.troubled.add(source.url)
        if source.url not in self._scheduler.answered:
            self._scheduler.stall(source.url, blocker)

    def _guilty(self, ends: list[Endpoint], began: float) -> Endpoint | None:
        """Which end hangs, where that is known: of a link it may be either."""
        answered = self._scheduler.answered
        quiet = [end for end in ends if answered.get(end.url, 0.0) < began]
        if len(ends) == 1:
            return next(iter(quiet), None)
        never = [end for end in ends if end.url not in answered]
        if len(never) == 1:
            return never[0]
        for end, other in (ends, reversed(ends)):
            self._partners.setdefault(end.url, set()).add(other.url)
        blamed = [end for end in quiet if len(self._partners[end.url]) >= PARTNERS]
        return blamed[0] if len(blamed) == 1 else None
