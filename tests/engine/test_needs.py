"""Cases that need others: they start after those, or are blocked by what stopped them."""

from __future__ import annotations

import random
from pathlib import Path

import msgspec
import pytest

from lakecheck.engine.aims import aims
from lakecheck.engine.limits import Limits
from lakecheck.engine.scheduler import Blocker, Scheduler
from lakecheck.engine.seeds import seed_of
from lakecheck.errors import Denied
from lakecheck.model import Case
from lakecheck.plan import Selection, expand, select
from lakecheck.spec import load
from tests.engine.test_scheduler import endpoint, single
from tests.probes.test_replication import SPEC
from tests.spec.conftest import write

LIMITS = Limits(total=4, per_rse=4, unproven=4)
A, B = single(endpoint("A")), single(endpoint("B"))


def needing(case: Case, *others: Case) -> Case:
    return msgspec.structs.replace(case, needs=others)


def scheduler(*cases: Case) -> Scheduler:
    return Scheduler(cases, LIMITS, seed_of)


def started(on: Scheduler) -> list[tuple[str, Blocker | None]]:
    found = []
    while one := on.next():
        job, blocker = one
        assert isinstance(job, Case)
        found.append((job.address, blocker))
    return found


def test_it_starts_when_what_it_needs_has_passed_wherever_it_stands() -> None:
    later = needing(B, A)
    on = scheduler(later, A)

    assert started(on) == [(A.address, None)]
    on.finished(A)
    on.ended(A, None)

    assert started(on) == [(later.address, None)]


def test_it_is_blocked_by_what_stopped_the_other() -> None:
    later = needing(B, A)
    on = scheduler(A, later)
    started(on)
    why = Blocker("t::A.upload", Denied("refused"))
    on.finished(A)
    on.ended(A, why)

    assert started(on) == [(later.address, why)]


def test_it_waits_for_all_that_it_needs() -> None:
    other = single(endpoint("C"))
    later = needing(B, A, other)
    on = scheduler(A, other, later)
    started(on)
    on.finished(A)
    on.ended(A, None)

    assert started(on) == []
    on.finished(other)
    on.ended(other, None)
    assert started(on) == [(later.address, None)]


def test_what_still_waits_can_be_taken_back() -> None:
    later = needing(B, A)
    on = scheduler(A, later)
    started(on)

    assert on.drain() == [later]


@pytest.mark.parametrize("seed", range(20))
def test_random_forests_end_and_every_case_starts_once(seed: int) -> None:
    chance = random.Random(seed)
    cases: list[Case] = []
    for number in range(60):
        needs = chance.sample(cases, min(len(cases), chance.randint(0, 2)))
        cases.append(needing(single(endpoint("A"), 100 + number), *needs))
    on = scheduler(*chance.sample(cases, len(cases)))
    running: list[Case] = []
    seen: list[str] = []
    bad: set[str] = set()
    while True:
        while found := on.next():
            job, blocker = found
            assert isinstance(job, Case)
            seen.append(job.address)
            lost = [need.address for need in job.needs if need.address in bad]
            assert bool(blocker) == bool(lost)
            if blocker:
                bad.add(job.address)
                on.ended(job, blocker)
            else:
                running.append(job)
        assert len(running) <= LIMITS.total
        if not running:
            break
        job = running.pop(chance.randrange(len(running)))
        on.finished(job)
        why = Blocker(f"{job.address}.upload", None) if chance.random() < 0.2 else None
        if why:
            bad.add(job.address)
        on.ended(job, why)

    assert sorted(seen) == sorted(case.address for case in cases)
    assert on.drain() == []


def test_what_was_not_selected_but_is_needed_runs_whole_and_without_documents(
    tmp_path: Path,
) -> None:
    write(tmp_path, {"a.lake.yaml": SPEC % ", on: A|B, sizes: [1kB]"})
    cases = expand(load([tmp_path / "a.lake.yaml"], {}))
    chosen = select(cases, Selection(keyword="A~B and rule"))

    found = aims({name: each for name, each in chosen.items() if "credentials" not in name})

    assert list(found) == ["rep::A.1kB", "rep::A~B.1kB"]
    upload, rule = found.values()
    assert upload.steps == ()
    assert set(upload.needed) == {"upload", "register"}
    assert rule.steps == ("rule",)
    assert set(rule.needed) == {"rule"}
