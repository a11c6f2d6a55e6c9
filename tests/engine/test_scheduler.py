"""The scheduler under random loads: nothing is lost, nothing is handed out twice, limits hold."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lakecheck.engine.limits import Limits
from lakecheck.engine.scheduler import Blocker, Job, Planting, Scheduler, ends
from lakecheck.engine.seeds import seed_of
from lakecheck.errors import TimedOut
from lakecheck.model import NO_DRIVER, Case, Endpoint, Test

TEST = Test(name="t", kind="functional", options=None)


def endpoint(rse: str, scheme: str = "davs") -> Endpoint:
    url = f"{scheme}://{rse.lower()}.example.org:443/x"
    return Endpoint(
        rse=rse,
        url=url,
        scheme=scheme,
        host=f"{rse.lower()}.example.org",
        port=443,
        path="/x",
        protocol=scheme,
    )


def single(at: Endpoint, size: int = 100) -> Case:
    return Case(
        test=TEST,
        id=f"{at.rse}.{at.protocol}.{size}B",
        place=at.rse,
        steps=("upload",),
        endpoint=at,
        size=size,
    )


def link(source: Endpoint, destination: Endpoint, size: int = 100) -> Case:
    place = f"{source.rse}~{destination.rse}"
    return Case(
        test=TEST,
        id=f"{place}.{destination.protocol}.{size}B",
        place=place,
        steps=("copy",),
        source=source,
        endpoint=destination,
        size=size,
        mode="pull",
    )


class Simulation:
    """Plays the engine: starts what may start, ends jobs in random order with random outcomes."""

    def __init__(self, cases: list[Case], limits: Limits, seed: int, trouble: float) -> None:
        self.cases = cases
        self.limits = limits
        self.chance = random.Random(seed)
        self.trouble = trouble
        self.scheduler = Scheduler(cases, limits, seed_of)
        self.running: list[Job] = []
        self.seen: Counter[str] = Counter()
        self.planted: Counter[object] = Counter()
        self.blocked: set[str] = set()

    def play(self) -> None:
        while True:
            self.start_all()
            if not self.running:
                return
            job = self.running.pop(self.chance.randrange(len(self.running)))
            self.end(job)
            self.scheduler.finished(job)

    def start_all(self) -> None:
        while found := self.scheduler.next():
            job, blocker = found
            if isinstance(job, Case):
                self.seen[job.address] += 1
            else:
                self.planted[job.seed] += 1
            if blocker is None:
                self.running.append(job)
                self.check_limits()
            elif isinstance(job, Planting):
                self.scheduler.planted(job.seed, blocker)
            else:
                self.blocked.add(job.address)

    def check_limits(self) -> None:
        assert len(self.running) <= self.limits.total
        rses = Counter(end.rse for job in self.running for end in ends(job))
        assert max(rses.values()) <= self.limits.per_rse
        for url, count in Counter(end.url for job in self.running for end in ends(job)).items():
            assert url in self.scheduler.answered or count <= self.limits.unproven

    def end(self, job: Job) -> None:
        bad = self.chance.random() < self.trouble
        if isinstance(job, Planting):
            self.scheduler.planted(
                job.seed, Blocker("t::seed", TimedOut("silent")) if bad else None
            )
        if bad:
            guilty = self.chance.choice(ends(job))
            if self.chance.random() < 0.7:
                self.scheduler.stall(guilty.url, Blocker("t::x", TimedOut("silent")))
            return
        for end in ends(job):
            self.scheduler.answer(end, 1.0)

    def check_end(self) -> None:
        assert self.scheduler.drain() == []
        assert self.scheduler.in_flight == 0
        assert dict(self.seen) == {case.address: 1 for case in self.cases}
        assert all(count == 1 for count in self.planted.values())


@settings(max_examples=150, deadline=None)
@given(
    rses=st.integers(1, 8),
    schemes=st.integers(1, 2),
    sizes=st.integers(1, 3),
    with_links=st.booleans(),
    total=st.integers(1, 12),
    per_rse=st.integers(1, 4),
    seed=st.integers(0, 2**32),
    trouble=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
)
def test_every_case_is_handed_out_once_and_limits_hold(
    rses: int,
    schemes: int,
    sizes: int,
    with_links: bool,
    total: int,
    per_rse: int,
    seed: int,
    trouble: float,
) -> None:
    every = [[endpoint(f"R{n}", s) for s in ("davs", "root")[:schemes]] for n in range(rses)]
    cases = [single(end, size) for ends in every for end in ends for size in range(1, sizes + 1)]
    if with_links:
        cases += [
            link(source, destination, size)
            for a in every
            for b in every
            if a is not b
            for source, destination in zip(a, b, strict=True)
            for size in range(1, sizes + 1)
        ]
    random.Random(seed).shuffle(cases)
    simulation = Simulation(cases, Limits(total, per_rse), seed, trouble)

    simulation.play()

    simulation.check_end()


def test_a_large_mesh_does_not_lose_its_way() -> None:
    members = [endpoint(f"R{n}") for n in range(60)]
    cases = [link(a, b) for a in members for b in members if a is not b]
    simulation = Simulation(cases, Limits(), seed=7, trouble=0.01)

    simulation.play()

    simulation.check_end()


def test_an_endpoint_that_never_answered_gets_one_case_only() -> None:
    at = endpoint("R0")
    scheduler = Scheduler([single(at, size) for size in range(1, 6)], Limits(), seed_of)

    first = scheduler.next()

    assert first is not None
    assert scheduler.next() is None
    scheduler.answer(at, 1.0)
    assert len([job for job in iter(scheduler.next, None) if job]) == 4


def test_what_waits_for_a_silent_endpoint_is_blocked_by_the_check_that_found_it() -> None:
    at = endpoint("R0")
    scheduler = Scheduler([single(at, size) for size in range(1, 4)], Limits(), seed_of)
    found = scheduler.next()
    assert found is not None
    blocker = Blocker("t::R0.upload", TimedOut("silent"))

    scheduler.stall(at.url, blocker)

    assert [job[1] for job in iter(scheduler.next, None) if job] == [blocker, blocker]


def test_links_wait_for_the_seed_of_their_source_and_share_it() -> None:
    a, b, c = (endpoint(name) for name in "ABC")
    scheduler = Scheduler([link(a, b), link(a, c)], Limits(), seed_of)

    found = scheduler.next()

    assert found is not None
    assert isinstance(found[0], Planting)
    assert scheduler.next() is None
    scheduler.planted(found[0].seed, None)
    scheduler.answer(a, 1.0)
    scheduler.finished(found[0])
    copies = [job[0] for job in iter(scheduler.next, None) if job]
    assert [copy.place for copy in copies if isinstance(copy, Case)] == ["A~B", "A~C"]


def test_taken_back_are_ready_and_waiting_cases_alike() -> None:
    at = endpoint("R0")
    cases = [single(at, size) for size in range(1, 6)]
    scheduler = Scheduler(cases, Limits(), seed_of)
    scheduler.next()
    scheduler.next()

    assert {case.address for case in scheduler.drain()} == {case.address for case in cases[1:]}
    assert scheduler.next() is None


def test_what_no_driver_does_neither_waits_for_an_endpoint_nor_is_blocked_by_it() -> None:
    at = endpoint("A")
    named = [replace(single(at, size), driver=NO_DRIVER) for size in range(1, 12)]
    scheduler = Scheduler([*named, single(at, 100)], Limits(per_rse=8), seed_of)
    scheduler.stall(at.url, Blocker("other::check", TimedOut("no answer")))

    started = [found for _ in range(9) if (found := scheduler.next())]

    assert [job for job, blocker in started if blocker is None] == named[:8]
    assert [job.id for job, blocker in started if blocker] == ["A.davs.100B"]
