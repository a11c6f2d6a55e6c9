from __future__ import annotations

from lakecheck.views.failure import sentence_of
from lakecheck.views.outcome import read
from lakecheck.views.suspects import Suspect, suspects, verdict
from tests.views import runs
from tests.views.runs import CRASH, DENIED, NETWORK, TIMEOUT, Run, links

NAMES = ("A", "B", "C", "D")


def found(run: Run) -> list[Suspect]:
    return suspects(read(run.documents))


def said(run: Run, missing: int = 0) -> tuple[str, ...]:
    outcomes = read(run.documents)
    return verdict(suspects(outcomes), outcomes, missing)


def test_what_was_blocked_belongs_to_what_blocked_it() -> None:
    run = Run()
    run.functional("A", trouble=TIMEOUT)
    (one,) = found(run)

    assert one.name == "A.davs"
    assert (len(one.troubles), len(one.blocked)) == (1, 4)


def test_equal_failures_of_two_protocols_are_one_suspect() -> None:
    run = Run()
    run.functional("A", "davs", trouble=TIMEOUT)
    run.functional("A", "root", trouble=TIMEOUT)
    (one,) = found(run)

    assert (one.name, len(one.troubles)) == ("A", 2)


def test_a_service_that_fails_is_the_suspect_and_no_storage_is() -> None:
    run = Run()
    away = {"error.class": "overloaded", "error.side": "service", "error.message": "HTTP 503"}
    for source, destination in links(NAMES):
        run.link(source, destination, trouble={**away, "service": "fts"})
    (one,) = found(run)

    assert (one.name, one.role, one.is_rse) == ("fts", "service", False)
    assert said(run) == ("Trouble with fts (overloaded).",)


def test_a_diagnosis_says_more_than_the_error() -> None:
    run = Run()
    missing = {"error.class": "missing", "error.side": "source", "error.message": "no such file"}
    level = {"diagnosis.level": "fts", "diagnosis.side": "service", "service": "fts"}
    run.link("A", "B", trouble={**missing, **level})
    run.link("B", "A")
    (one,) = found(run)

    assert (one.name, one.side) == ("fts", "service")


def test_a_diagnosis_names_the_storage_that_does_not_work_by_itself() -> None:
    run = Run()
    late = {"error.class": "timeout", "error.side": "service", "error.message": "not in time"}
    level = {"diagnosis.level": "storage", "diagnosis.side": "destination", "service": "rucio"}
    for source, destination in links(NAMES):
        trouble = {**late, **level} if destination == "B" else None
        run.link(source, destination, trouble=trouble)
    (one,) = found(run)

    assert (one.who, one.role) == ("B", "destination")
    assert "what breaks is B by itself" in sentence_of(one.troubles[0])


def test_a_destination_that_fails_for_every_source_is_one_suspect() -> None:
    run = Run()
    for source, destination in links(NAMES):
        run.link(source, destination, trouble=DENIED if destination == "B" else None)
    (one,) = found(run)

    assert (one.name, one.role, one.spread) == ("B.davs as destination", "destination",
                                                "from 3 sources")  # fmt: skip


def test_a_red_row_is_held_against_the_source_whatever_the_error_names() -> None:
    run = Run()
    for source, destination in links(NAMES):
        run.link(source, destination, trouble=DENIED if source == "B" else None)
    (one,) = found(run)

    assert one.name == "B.davs as source"


def test_single_links_are_told_together() -> None:
    run = Run()
    bad = {("A", "B"), ("C", "D")}
    for source, destination in links(NAMES):
        run.link(source, destination, trouble=NETWORK if (source, destination) in bad else None)
    (one,) = found(run)

    assert (one.name, one.role, one.spread) == ("2 links", "link", "A → B and C → D")
    assert said(run) == ("2 links fail: A → B and C → D (unreachable).",)


def test_a_seed_that_fails_is_a_suspect_without_a_check_of_its_own() -> None:
    run = Run()
    for source, destination in links(NAMES):
        if source == "A":
            run.link(source, destination, status="blocked", blocked_by="seed", **{
                **TIMEOUT, "error.side": "source"})  # fmt: skip
        else:
            run.link(source, destination)
    (one,) = found(run)

    assert (one.name, one.troubles, len(one.blocked)) == ("A.davs as source", [], 3)


def test_a_circle_of_blocked_checks_ends() -> None:
    run = Run()
    first = "gfal::A.x.upload"
    run.add("gfal", "functional", "A.x", "upload", "blocked", blocked_by="gfal::A.x.stat", rse="A")
    run.add("gfal", "functional", "A.x", "stat", "blocked", blocked_by=first, rse="A")

    assert sum(len(one.blocked) for one in found(run)) == 2


def test_every_failure_and_every_blocked_check_has_one_suspect() -> None:
    run = runs.troubled()
    ours = found(run)
    wanted = [d for d in run.documents if d["status"] in ("failed", "error", "blocked")]

    assert sum(len(one.troubles) + len(one.blocked) for one in ours) == len(wanted)


def test_the_verdict_of_a_troubled_lake() -> None:
    assert said(runs.troubled(), missing=2) == (
        "2 of 14 RSEs have trouble: LAPP-WEBDAV (timeout) and CNAF-STORM as destination (denied).",
        "2 links fail: PIC-DCACHE → SARA-DCACHE (unreachable); "
        "INFN-ROMA1 → EULAKE-1 (promise broken).",
        "1 check of GSI-ROOT could not be judged: our side (tester).",
        "3 checks were never reached.",
    )


def test_our_own_fault_is_not_held_against_a_site() -> None:
    run = Run()
    run.functional("A", trouble=CRASH)
    run.functional("B")

    assert said(run) == ("1 check of A could not be judged: our side (tester).",)


def test_the_verdict_of_a_good_an_empty_and_a_skipped_run() -> None:
    skipped = Run()
    skipped.link("A", "B", status="skipped", reason="no common third-party protocol")

    assert said(runs.green(6)) == ("All 120 checks passed on 6 RSEs.",)
    assert said(Run()) == ("No check left a document.",)
    assert said(skipped) == ("Nothing ran: every check was skipped.",)


def test_an_rse_and_its_roles_with_the_same_trouble_are_one_suspect() -> None:
    run = Run()
    run.functional("B", trouble=TIMEOUT)
    ours = {**DENIED, "error.class": "timeout"}
    for source, destination in links(NAMES):
        if source == "B":
            run.link(source, destination, status="blocked", blocked_by="tpc::B.davs.1MB.seed",
                     **{**CRASH, "error.class": "timeout"})  # fmt: skip
        else:
            run.link(source, destination, trouble=ours if destination == "B" else None)
    (one,) = found(run)

    assert (one.name, one.steps) == ("B.davs", "upload, copy")
    assert (len(one.troubles), len(one.blocked)) == (4, 4 + 3)
