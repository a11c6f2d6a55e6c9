"""Which case may start next, within the limits and without waiting for the slow."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Hashable, Iterable

from msgspec import Struct

from lakecheck.engine.limits import Limits
from lakecheck.errors import DriverError
from lakecheck.model import Case, Endpoint, ServiceChoice

Key = Hashable


class Seed(Struct, frozen=True, cache_hash=True):
    """A file that links of one source share; uploaded once, before the first of them."""

    url: str  # of the endpoint
    size: int
    credential: str
    driver: str


class Planting(Struct, eq=False):
    """The job of uploading a seed, on behalf of the first case that needs it."""

    seed: Seed
    case: Case


Job = Case | Planting


class Blocker(Struct):
    """Why a case cannot run: the check (or seed) that did not pass, and its error."""

    address: str
    error: DriverError | None


def through(job: Job) -> ServiceChoice | None:
    """The service that a job goes through: storages are its business, and no limit of ours."""
    return job.test.service if isinstance(job, Case) and job.asks else None


def service_key(name: str) -> str:
    """How a service is named among the URLs of endpoints that answer or are silent."""
    return f"service:{name}"


def ends(job: Job) -> tuple[Endpoint, ...]:
    """Endpoints that a job uses."""
    if isinstance(job, Planting):
        return (job.case.source,) if job.case.source else ()
    return tuple(end for end in (job.source, job.endpoint) if end)


class Scheduler:
    """Hands out jobs; parks those whose RSE is busy or whose seed is not there yet."""

    def __init__(
        self, cases: Iterable[Case], limits: Limits, seed_of: Callable[[Case], Seed | None]
    ) -> None:
        self._ready: deque[Job] = deque(cases)
        self._limits = limits
        self._seed_of = seed_of
        self._parked: dict[Key, deque[Job]] = {}
        self._busy: Counter[Key] = Counter()
        self._seeds: dict[Seed, Blocker | None] = {}
        self._planting: set[Seed] = set()
        self._ended: dict[str, Blocker | None] = {}  # cases that others need → why they must not
        self.answered: dict[str, float] = {}  # endpoint's URL → when it last answered
        self.stalled: dict[str, Blocker] = {}  # endpoint's URL → the check that found it silent
        self.in_flight = 0  # those that go through services do not count
        self._at_once: dict[str, int] = {}  # by service, once it has answered

    def drain(self) -> list[Case]:
        """Take back every case that has not started."""
        waiting = [*self._ready, *(job for jobs in self._parked.values() for job in jobs)]
        self._ready.clear()
        self._parked.clear()
        return [job for job in waiting if isinstance(job, Case)]

    def next(self) -> tuple[Job, Blocker | None] | None:
        """A job that may start now, or one that is blocked and needs no start; None: wait."""
        while self._ready:
            job = self._ready.popleft()
            blocker = self._blocker(job)
            if blocker:
                # It takes no place, so it will free none: whoever waited behind it is next.
                for key in _keys(job):
                    if self._free(key) > 0:
                        self._wake(key, 1)
                return job, blocker
            if isinstance(job, Case) and (self._waits_for_case(job) or self._waits_for_seed(job)):
                continue
            full = self._full_key(job)
            if full is not None:
                self._park(full, job)
                continue
            if self.in_flight >= self._limits.total and not through(job):
                self._ready.appendleft(job)
                return None
            self._take(job, 1)
            return job, None
        return None

    def finished(self, job: Job) -> None:
        """Free what a started job held."""
        self._take(job, -1)
        for key in _keys(job):
            self._wake(key)

    def planted(self, seed: Seed, blocker: Blocker | None) -> None:
        """Let the links of a seed go on, or be blocked."""
        self._seeds[seed] = blocker
        self._ready.extendleft(reversed(self._parked.pop(seed, ())))

    def ended(self, case: Case, blocker: Blocker | None) -> None:
        """Let the cases that need this one go on, or be blocked."""
        self._ended[case.address] = blocker
        self._ready.extend(self._parked.pop(("case", case.address), ()))

    def stall(self, url: str, blocker: Blocker) -> None:
        """Block what has not started at an endpoint that lets cases time out unanswered."""
        if url not in self.stalled:
            self.stalled[url] = blocker
            sort = "service" if url.startswith("service:") else "endpoint"
            self._ready.extendleft(self._parked.pop((sort, url), ()))

    def answer(self, endpoint: Endpoint, now: float) -> None:
        """Note that an endpoint has answered something."""
        first = endpoint.url not in self.answered
        self.answered[endpoint.url] = now
        if first:
            self._wake(("endpoint", endpoint.url))

    def answer_of(self, service: ServiceChoice, now: float) -> None:
        """Note that a service has answered: now as many may go through it as it takes at once."""
        name = service_key(service.name)
        first = name not in self.answered
        self.answered[name] = now
        if first:
            self._at_once[name] = service.options.at_once
            self._wake(("service", name))

    def _blocker(self, job: Job) -> Blocker | None:
        service = through(job)
        if isinstance(job, Case) and not job.driven:
            return None
        names = [service_key(service.name)] if service else [end.url for end in ends(job)]
        for name in names:
            if name in self.stalled:
                return self.stalled[name]
        for needed in job.needs if isinstance(job, Case) else ():
            if blocker := self._ended.get(needed.address):
                return blocker
        if isinstance(job, Case) and not job.skip and job.source:
            seed = self._seed_of(job)
            return self._seeds.get(seed) if seed else None
        return None

    def _waits_for_case(self, case: Case) -> bool:
        waiting = next((each for each in case.needs if each.address not in self._ended), None)
        if waiting is not None:
            self._park(("case", waiting.address), case)
        return waiting is not None

    def _waits_for_seed(self, case: Case) -> bool:
        seed = self._seed_of(case) if case.source and not case.skip else None
        if seed is None or seed in self._seeds:
            return False
        self._park(seed, case)
        if seed not in self._planting:
            self._planting.add(seed)
            self._ready.appendleft(Planting(seed, case))
        return True

    def _full_key(self, job: Job) -> Key | None:
        return next((key for key in _keys(job) if self._free(key) <= 0), None)

    def _free(self, key: tuple[str, str]) -> int:
        sort, name = key
        if sort == "service":
            return self._at_once.get(name, 1) - self._busy[key]
        if sort == "rse":
            return self._limits.per_rse - self._busy[key]
        if name in self.answered:
            return self._limits.per_rse
        return self._limits.unproven - self._busy[key]

    def _park(self, key: Key, job: Job) -> None:
        self._parked.setdefault(key, deque()).append(job)
        # The job may have been woken for another key's sake: hand that chance on.
        for other in _keys(job):
            if other != key and self._free(other) > 0 and isinstance(key, tuple):
                self._wake(other, 1)

    def _wake(self, key: tuple[str, str], most: int | None = None) -> None:
        parked = self._parked.get(key)
        count = self._free(key) if most is None else most
        while parked and count > 0:
            self._ready.append(parked.popleft())
            count -= 1
        if parked is not None and not parked:
            del self._parked[key]

    def _take(self, job: Job, count: int) -> None:
        self.in_flight += 0 if through(job) else count
        for key in _keys(job):
            self._busy[key] += count


def _keys(job: Job) -> list[tuple[str, str]]:
    if service := through(job):
        return [("service", service_key(service.name))]
    if isinstance(job, Case) and not job.driven:
        return [("rse", job.endpoint.rse if job.endpoint else job.place)]
    found = []
    for end in ends(job):
        found += [("rse", end.rse), ("endpoint", end.url)]
    return found
