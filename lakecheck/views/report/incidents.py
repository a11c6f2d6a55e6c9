"""The failures of a run, one entry a suspect, bounded so that the page stays openable."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from lakecheck.views import words
from lakecheck.views.failure import error_facts, happened, sentence_of
from lakecheck.views.outcome import Outcome
from lakecheck.views.suspects import Suspect

MOST_INCIDENTS = 100
IN_FULL = 3  # failures of one suspect that are told in full, each with another error
IN_SHORT = 60  # more of them, in a folded list
MOST_BLOCKED = 60


class Failure(Struct, frozen=True):
    """One check in words."""

    address: str
    sentence: str
    facts: str
    outcome: Outcome


class Incident(Struct, frozen=True):
    """One suspect, with examples in full, the rest in short, and what it blocked."""

    anchor: str
    suspect: Suspect
    happened: str
    side: str
    full: tuple[Failure, ...]
    short: tuple[Failure, ...]
    left_out: int
    blocked: tuple[str, ...]

    @property
    def extent(self) -> str:
        """`5 checks, 12 blocked by it`."""
        one = self.suspect
        parts = [words.count(len(one.troubles), "check")] if one.troubles else []
        if one.spread and one.role != "link":
            parts[-1:] = [f"{' '.join(parts[-1:])} {one.spread}".strip()]
        if one.blocked:
            parts.append(f"{len(one.blocked):,} blocked by it")
        return ", ".join(parts)

    @property
    def links(self) -> str:
        """Its links by name, for the filter."""
        return " ".join(self.suspect.links[:IN_SHORT]) if self.suspect.role == "link" else ""

    @property
    def blocked_left_out(self) -> int:
        """How many blocked checks are not listed."""
        return len(self.suspect.blocked) - len(self.blocked)


def incidents(found: Sequence[Suspect]) -> list[Incident]:
    """Describe every suspect, the first ones in full."""
    return [_incident(number, one) for number, one in enumerate(found[:MOST_INCIDENTS], 1)]


def anchors(shown: Sequence[Incident]) -> dict[str, str]:
    """Name, for the address of each check, the place on the page that explains it."""
    return {
        outcome.address: incident.anchor
        for incident in shown
        for outcome in (*incident.suspect.troubles, *incident.suspect.blocked)
    }


def _incident(number: int, one: Suspect) -> Incident:
    examples: dict[str, Outcome] = {}
    for outcome in one.outcomes:
        examples.setdefault(outcome.likeness, outcome)
    full = list(one.outcomes) if len(one.outcomes) <= IN_FULL else list(examples.values())[:IN_FULL]
    chosen = {outcome.address for outcome in full}
    rest = [outcome for outcome in one.troubles if outcome.address not in chosen]
    return Incident(
        anchor=f"trouble-{number}",
        suspect=one,
        happened=_happened(one),
        side=words.SIDES.get(one.side, one.side),
        full=tuple(_failure(outcome) for outcome in full),
        short=tuple(_failure(outcome) for outcome in rest[:IN_SHORT]),
        left_out=max(len(rest) - IN_SHORT, 0),
        blocked=tuple(outcome.address for outcome in one.blocked[:MOST_BLOCKED]),
    )


def _happened(one: Suspect) -> str:
    """Say what happened to all of its checks alike, or else name its class."""
    told = {happened(outcome) for outcome in one.outcomes} if one.error_class else set()
    return told.pop() if len(told) == 1 else one.what


def _failure(outcome: Outcome) -> Failure:
    return Failure(outcome.address, sentence_of(outcome), error_facts(outcome), outcome)
