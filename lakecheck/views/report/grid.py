"""The table of RSEs by checks, one for each test that is not between two RSEs."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from lakecheck.views import words
from lakecheck.views.outcome import Outcome
from lakecheck.views.report.cells import EMPTY, Cell, cell

MOST_ROWS = 400
FOLD = 40  # rows above which those without trouble are folded away
_ORDER = {name: number for number, name in enumerate(words.STEPS)}


class Row(Struct, frozen=True):
    """One endpoint's cells."""

    rse: str
    protocol: str
    status: str
    cells: tuple[Cell, ...]

    @property
    def is_good(self) -> bool:
        """Whether nothing in it needs a look."""
        return self.status in ("passed", "skipped")


class Grid(Struct, frozen=True):
    """One test's table, rows with trouble first."""

    test: str
    kind: str
    noun: str  # what a row is: an RSE, or else a case
    checks: tuple[str, ...]
    rows: tuple[Row, ...]
    folded: tuple[Row, ...]  # rows without trouble, of a long table
    good: int  # rows that need no look
    total: int

    @property
    def left_out(self) -> int:
        """Rows that are not shown, all of them without trouble where that is possible."""
        return self.total - len(self.rows) - len(self.folded)


def grids(outcomes: Sequence[Outcome], anchors: dict[str, str]) -> list[Grid]:
    """Make the tables, in the order of their tests."""
    tests: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        if not outcome.is_link:
            tests.setdefault(outcome.test, []).append(outcome)
    made = [_grid(name, members, anchors) for name, members in tests.items()]
    return sorted(made, key=lambda grid: grid.noun != "RSE")


def _grid(test: str, outcomes: Sequence[Outcome], anchors: dict[str, str]) -> Grid:
    checks = sorted(
        dict.fromkeys(outcome.check for outcome in outcomes), key=lambda name: _ORDER.get(name, 99)
    )
    places: dict[tuple[str, str], dict[str, list[Outcome]]] = {}
    for outcome in outcomes:
        row = places.setdefault((outcome.place, outcome.label), {})
        row.setdefault(outcome.check, []).append(outcome)
    rows = [
        Row(
            rse=rse,
            protocol=protocol,
            status=words.worst(o.status for members in found.values() for o in members),
            cells=tuple(
                cell(found[check], _text(found[check]), anchors) if check in found else EMPTY
                for check in checks
            ),
        )
        for (rse, protocol), found in places.items()
    ]
    rows.sort(key=lambda row: (row.is_good, words.STATUSES.index(row.status) * (not row.is_good)))
    shown = rows[:MOST_ROWS]
    plain = [row for row in shown if row.is_good] if len(shown) > FOLD else []
    if len(plain) == len(shown):
        plain = plain[FOLD:]
    return Grid(
        test=test,
        kind=outcomes[0].kind,
        noun="RSE" if any(outcome.rse for outcome in outcomes) else "case",
        checks=tuple(checks),
        rows=tuple(shown[: len(shown) - len(plain)]),
        folded=tuple(plain),
        good=sum(row.is_good for row in rows),
        total=len(rows),
    )


def _text(outcomes: Sequence[Outcome]) -> str:
    status = words.worst(outcome.status for outcome in outcomes)
    alike = [outcome for outcome in outcomes if outcome.status == status]
    share = f"{len(alike)}/{len(outcomes)} " if len(alike) < len(outcomes) else ""
    if status == "passed":
        times = sorted(o.duration for o in alike if o.duration is not None)
        return words.seconds(times[len(times) // 2]) if times else "passed"
    if status in ("failed", "error"):
        return share + (alike[0].error_class or words.status_words(status))
    return share + words.status_words(status)
