"""One cell of a table: its status, the few characters it shows, and what it tells on demand."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from lakecheck.views import words
from lakecheck.views.failure import cause
from lakecheck.views.outcome import Outcome


class Cell(Struct, frozen=True):
    """What a table shows of one or several outcomes, the worst of which gives the status."""

    status: str
    text: str
    tip: str = ""
    anchor: str = ""  # of the trouble that explains it


EMPTY = Cell("none", "")


def cell(outcomes: Sequence[Outcome], text: str, anchors: dict[str, str]) -> Cell:
    """Make the cell of some outcomes; `anchors` names the trouble of an address."""
    status = words.worst(outcome.status for outcome in outcomes)
    several = len(outcomes) > 1
    tip = "\n".join(_tip(outcome, several) for outcome in outcomes[:8])
    if len(outcomes) > 8:
        tip += f"\n… and {len(outcomes) - 8} more"
    worst = next(outcome for outcome in outcomes if outcome.status == status)
    return Cell(status, text, tip, anchors.get(worst.address, ""))


def _tip(outcome: Outcome, several: bool) -> str:
    name = " ".join(part for part in (outcome.check, outcome.variant) if part) if several else ""
    said = words.status_words(outcome.status)
    if outcome.status != "passed" and (why := cause(outcome)):
        said += f": {why}"
    facts = [said, *figures(outcome)]
    return " · ".join(([name] if name else []) + facts)


def figures(outcome: Outcome) -> list[str]:
    """Throughput, duration and mode, as far as they were measured."""
    parts = (words.rate(outcome.throughput), words.seconds(outcome.duration), outcome.mode)
    return [part for part in parts if part]
