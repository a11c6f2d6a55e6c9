"""The terminal's summary: what failed, where and whose side, in as few lines as possible."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from lakecheck.documents import junit_parts
from lakecheck.views import words
from lakecheck.views.outcome import Outcome, read
from lakecheck.views.suspects import Suspect, suspects

MOST_SUSPECTS = 20
MOST_REASONS = 3
# Classes that say little without the raw error.
_UNCLEAR = ("", "unknown", "protocol", "credential", "tester")
# Kinds whose classes are about storages, and say what there is to say.
_PLAIN = ("functional", "tpc", "replication")
_JUNIT = "junit.xml"
_FILES = ("results.ndjson", _JUNIT, "report.html")


def lines(
    documents: Iterable[Mapping[str, Any]],
    *,
    seconds: float | None = None,
    folder: Path | None = None,
    planned: int | None = None,
) -> list[Text]:
    """Give the summary as lines: suspects, reasons of skips, totals, paths of the results.

    `seconds` is how long the run took; `planned` how many checks its plan has.
    """
    outcomes = read(documents)
    found = suspects(outcomes)
    text = [_suspect_line(one) for one in found[:MOST_SUSPECTS]]
    if len(found) > MOST_SUSPECTS:
        text.append(Text(f"… and {len(found) - MOST_SUSPECTS:,} more, see the report", "dim"))
    text += _skips(outcomes)
    text.append(totals(outcomes, seconds=seconds, planned=planned))
    if folder is not None:
        text += [Text(line, "dim") for line in _files(folder)]
    return text


def _files(folder: Path) -> Iterator[str]:
    """Paths of the results; GitLab takes no JUnit file above 30 MB, so there may be parts."""
    for name in _FILES:
        if (folder / name).exists():
            parts = junit_parts.further(folder / name) if name == _JUNIT else []
            more = f" to {parts[-1].name}, as GitLab takes no file above 30 MB" if parts else ""
            yield f"{folder / name}{more}"


def show(
    console: Console,
    documents: Iterable[Mapping[str, Any]],
    *,
    seconds: float | None = None,
    folder: Path | None = None,
    planned: int | None = None,
) -> None:
    """Print the summary; without colour where the console is no terminal."""
    for line in lines(documents, seconds=seconds, folder=folder, planned=planned):
        console.print(line, soft_wrap=True)


def totals(
    outcomes: Sequence[Outcome], *, seconds: float | None = None, planned: int | None = None
) -> Text:
    """Write `118 passed, 2 failed, 12 blocked in 14.2s`."""
    counts = Counter(outcome.status for outcome in outcomes)
    text = Text()
    for status in words.TOLD:
        if counts[status]:
            text.append(", " if text else "")
            name = "errors" if status == "error" and counts[status] > 1 else status
            text.append(f"{counts[status]:,} {words.status_words(name)}", words.STYLES[status])
    if not text:
        text.append("no results")
    if planned is not None and planned > len(outcomes):
        text.append(f", {planned - len(outcomes):,} without a document", "bold magenta")
    if seconds is not None:
        text.append(f" in {words.seconds(seconds)}")
    return text


def _suspect_line(one: Suspect) -> Text:
    text = Text()
    text.append(f"{words.SIGNS[one.status]} ", words.STYLES[one.status])
    text.append(one.name, "bold")
    text.append(f" {one.steps}: {one.what}")
    longest = max((o.duration or 0.0 for o in one.troubles), default=0.0)
    if one.error_class == "timeout" and longest:
        text.append(f" after {words.seconds(longest)}")
    if one.side and one.side != one.what:
        text.append(f" ({one.side})")
    if one.error_class in _UNCLEAR or one.role == "service" or one.outcomes[0].kind not in _PLAIN:
        text.append(_evidence(one))
    text.append(f" – {_extent(one)}", "dim")
    return text


def _extent(one: Suspect) -> str:
    parts = []
    if one.troubles:
        parts.append(words.count(len(one.troubles), "check"))
        if one.spread:
            parts[-1] += f"{':' if one.role in ('link', 'service') else ''} {one.spread}"
    if one.blocked:
        parts.append(f"{len(one.blocked):,} blocked" + (" by it" if one.troubles else ""))
    return ", ".join(parts)


def _evidence(one: Suspect) -> str:
    first = one.outcomes[0]
    broken = "; ".join(f"{p.condition}, seen {p.seen}" for p in first.unmet)
    text = first.message or broken or first.reason
    text = " ".join(text.split())
    others = len({outcome.likeness for outcome in one.outcomes}) - 1
    more = f" (and {words.count(others, 'other message')})" if others else ""
    return f": {text[:117]}…{more}" if len(text) > 118 else f": {text}{more}" if text else ""


def _skips(outcomes: Sequence[Outcome]) -> list[Text]:
    reasons = Counter(
        outcome.reason or "no reason given" for outcome in outcomes if outcome.status == "skipped"
    )
    text = [
        Text(f"{words.SIGNS['skipped']} {number:,} skipped: {reason}", "dim")
        for reason, number in reasons.most_common(MOST_REASONS)
    ]
    if len(reasons) > MOST_REASONS:
        rest = len(reasons) - MOST_REASONS
        text.append(Text(f"– and {words.count(rest, 'other reason')} for skipping", "dim"))
    return text
