"""All that the report shows, worked out from documents before any HTML is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from lakecheck.views import words
from lakecheck.views.outcome import Outcome, read
from lakecheck.views.report.durations import Durations, durations
from lakecheck.views.report.grid import Grid, grids
from lakecheck.views.report.incidents import Incident, anchors, incidents
from lakecheck.views.report.matrix import Matrix, matrices
from lakecheck.views.suspects import suspects, verdict

MOST_MISSING = 60


class Page(Struct, frozen=True):
    """The report's content."""

    title: str
    mood: str  # the worst status, which colours the head
    verdict: tuple[str, ...]
    counts: tuple[tuple[str, int], ...]
    total: int
    facts: tuple[tuple[str, str], ...]
    incidents: tuple[Incident, ...]
    incidents_left_out: int
    grids: tuple[Grid, ...]
    matrices: tuple[Matrix, ...]
    matrices_left_out: int
    durations: Durations
    reasons: tuple[tuple[str, str, int], ...]  # status, reason, how many
    missing: tuple[str, ...]
    missing_number: int


def page(documents: Iterable[Mapping[str, Any]], plan: Mapping[str, Any]) -> Page:
    """Work out the report of some documents; the plan tells order and what has no document."""
    kept = list(documents)
    planned = [str(address) for address in plan.get("checks") or ()]
    outcomes = _in_order(read(kept), planned)
    known = {outcome.address for outcome in outcomes}
    missing = [address for address in planned if address not in known]
    found = suspects(outcomes)
    shown = incidents(found)
    places = anchors(shown)
    meshes, without_room = matrices(outcomes, places)
    counts = Counter(outcome.status for outcome in outcomes)
    # Skipped checks take nothing from "All … passed", which stands beside it.
    judged = [status for status in counts if status != "skipped"] or list(counts)
    mood = words.worst([*judged, *(["not_run"] if missing else [])])
    return Page(
        title=_title(kept, plan),
        mood=mood if outcomes else "not_run",
        verdict=verdict(found, outcomes, len(missing)),
        counts=tuple((s, counts[s]) for s in words.TOLD if counts[s]),
        total=len(outcomes),
        facts=_facts(kept, plan, outcomes),
        incidents=tuple(shown),
        incidents_left_out=len(found) - len(shown),
        grids=tuple(grids(outcomes, places)),
        matrices=tuple(meshes),
        matrices_left_out=without_room,
        durations=durations(outcomes),
        reasons=_reasons(outcomes),
        missing=tuple(missing[:MOST_MISSING]),
        missing_number=len(missing),
    )


def _in_order(outcomes: list[Outcome], planned: Sequence[str]) -> list[Outcome]:
    order = {address: number for number, address in enumerate(planned)}
    return sorted(outcomes, key=lambda outcome: order.get(outcome.address, len(order)))


def _reasons(outcomes: Sequence[Outcome]) -> tuple[tuple[str, str, int], ...]:
    counts = Counter(
        (outcome.status, outcome.reason or "no reason given")
        for outcome in outcomes
        if outcome.status in ("skipped", "not_run")
    )
    return tuple((status, reason, number) for (status, reason), number in counts.most_common(30))


def _title(documents: Sequence[Mapping[str, Any]], plan: Mapping[str, Any]) -> str:
    return _first(documents, plan, "spec", "name") or "lakecheck"


def _facts(
    documents: Sequence[Mapping[str, Any]], plan: Mapping[str, Any], outcomes: Sequence[Outcome]
) -> tuple[tuple[str, str], ...]:
    started = _time(_first(documents, plan, "run", "started"))
    ended = _time(max((outcome.ended for outcome in outcomes), default=""))
    took = words.seconds((ended - started).total_seconds()) if started and ended else ""
    host = _first(documents, {}, "tester", "host")
    version = _first(documents, {}, "tester", "version")
    asked = plan.get("spec")
    paths = [str(path) for path in asked.get("paths") or ()] if isinstance(asked, Mapping) else []
    facts = (
        ("started", f"{started:%-d %B %Y, %H:%M:%S} UTC" if started else ""),
        ("took", took),
        ("run", _first(documents, plan, "run", "id")),
        ("trigger", _first(documents, plan, "run", "trigger")),
        ("spec", words.listing(dict.fromkeys(path.rpartition("/")[2] for path in paths))),
        ("digest", _first(documents, plan, "spec", "digest")[:12]),
        ("tested from", host),
        ("lakecheck", version),
    )
    return tuple((name, value) for name, value in facts if value)


def _first(
    documents: Sequence[Mapping[str, Any]], plan: Mapping[str, Any], group: str, name: str
) -> str:
    if documents and (value := documents[0].get(f"{group}.{name}")):
        return str(value)
    planned = plan.get(group)
    return str(planned.get(name) or "") if isinstance(planned, Mapping) else ""


def _time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return None
