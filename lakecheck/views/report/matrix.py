"""The N×N matrix of a test between RSEs: rows are sources, columns are destinations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

from msgspec import Struct

from lakecheck.units import SIZES
from lakecheck.views import words
from lakecheck.views.outcome import Outcome
from lakecheck.views.report.cells import EMPTY, Cell, cell
from lakecheck.views.report.picture import Picture, picture
from lakecheck.views.standouts import Standout, shares, standouts

MOST_SIDE = 40  # RSEs on a side; above, the matrix becomes a picture
MOST_CELLS = 8000  # of all matrices together
FIGURES_SIDE = 16  # RSEs on a side up to which cells show figures
FEW = 7  # RSEs on a side up to which two matrices stand side by side
MOST_PATTERNS = 6

MOST_MATRICES = 48
MOST_LINKS = 500_000  # of all matrices together

Links = dict[tuple[str, str], list[Outcome]]
Variants = dict[tuple[str, str], list[Outcome]]  # by test, and what is left of the case


class Matrix(Struct, frozen=True):
    """One variant (protocol, size, mode, …) of one test."""

    test: str
    variant: str
    sources: tuple[str, ...]
    destinations: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]  # empty where `picture` is given
    counts: tuple[tuple[str, int], ...]
    pattern: tuple[str, ...]
    typical: str
    unit: str  # of the figures in cells; empty where there are none
    worst: tuple[Standout, ...]
    picture: Picture | None = None

    @property
    def links(self) -> int:
        """How many links were planned."""
        return sum(number for _, number in self.counts)

    @property
    def wide(self) -> bool:
        """Whether its cells are too many to show figures."""
        return len(self.destinations) > FIGURES_SIDE

    @property
    def few(self) -> bool:
        """Whether there is room for another one beside it."""
        return len(self.destinations) <= FEW

    @property
    def bad_sources(self) -> tuple[str, ...]:
        """Sources that stand out."""
        return tuple(one.rse for one in self.worst if one.role == "source")

    @property
    def bad_destinations(self) -> tuple[str, ...]:
        """Destinations that stand out."""
        return tuple(one.rse for one in self.worst if one.role == "destination")


def matrices(outcomes: Sequence[Outcome], anchors: dict[str, str]) -> tuple[list[Matrix], int]:
    """Make one matrix for each variant of each test, and count those that find no room.

    The largest become pictures.
    """
    found: Variants = {}
    for outcome in outcomes:
        if outcome.is_link:
            parts = (outcome.label, *outcome.variant.split("."))
            variant = " · ".join(part for part in parts if part)
            found.setdefault((outcome.test, variant), []).append(outcome)
    made = []
    cells = 0
    for test, variant in _chosen(found):
        links = found[test, variant]
        side = max(len({o.source for o in links}), len({o.destination for o in links}))
        in_cells = side <= MOST_SIDE and cells + side * side <= MOST_CELLS
        cells += side * side if in_cells else 0
        made.append(_matrix(test, variant, links, anchors, in_cells))
    return made, len(found) - len(made)


def _chosen(found: Variants) -> list[tuple[str, str]]:
    """Keep as many variants, and links, as a page can hold: those with most trouble, in order."""
    trouble = {key: sum(one.is_trouble for one in links) for key, links in found.items()}
    room = MOST_LINKS
    kept: set[tuple[str, str]] = set()
    for key in sorted(found, key=lambda key: -trouble[key])[:MOST_MATRICES]:
        room -= len(found[key])
        if room >= 0 or not kept:
            kept.add(key)
    return [key for key in found if key in kept]


def _matrix(
    test: str, variant: str, members: Sequence[Outcome], anchors: dict[str, str], in_cells: bool
) -> Matrix:
    links: Links = {}
    for outcome in members:
        links.setdefault((outcome.source, outcome.destination), []).append(outcome)
    sources = _names(source for source, _ in links)
    destinations = _names(destination for _, destination in links)
    if set(sources) == set(destinations):
        destinations = sources  # so that the diagonal is one
    worst = tuple(standouts(members))
    unit = _unit(members) if len(destinations) <= FIGURES_SIDE else ""
    counts = Counter(words.worst(o.status for o in found) for found in links.values())
    return Matrix(
        test=test,
        variant=variant,
        sources=sources,
        destinations=destinations,
        rows=_rows(links, sources, destinations, anchors, unit) if in_cells else (),
        counts=tuple((status, counts[status]) for status in words.TOLD if counts[status]),
        pattern=_pattern(members, worst),
        typical=_typical(members),
        unit=unit if in_cells and any(o.throughput for o in members) else "",
        worst=worst,
        picture=None if in_cells else picture(links, sources, destinations),
    )


def _names(every: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(every))


def _rows(
    links: Links,
    sources: Sequence[str],
    destinations: Sequence[str],
    anchors: dict[str, str],
    unit: str,
) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        tuple(
            cell(found, _text(found, unit) if unit else "", anchors)
            if (found := links.get((source, destination)))
            else EMPTY
            for destination in destinations
        )
        for source in sources
    )


def _text(outcomes: Sequence[Outcome], unit: str) -> str:
    rates = [o.throughput for o in outcomes if o.throughput is not None]
    if rates and all(outcome.status == "passed" for outcome in outcomes):
        value = median(rates) / SIZES[unit]
        return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
    return ""


def _unit(outcomes: Sequence[Outcome]) -> str:
    """Choose one unit for the throughputs of all cells."""
    rates = [o.throughput for o in outcomes if o.throughput and o.status == "passed"]
    typical = median(rates) if rates else 0.0
    return next((unit for unit in ("GB", "MB", "kB") if typical >= SIZES[unit]), "B")


def _typical(outcomes: Sequence[Outcome]) -> str:
    passed = [outcome for outcome in outcomes if outcome.status == "passed"]
    rates = [o.throughput for o in passed if o.throughput is not None]
    times = [o.duration for o in passed if o.duration is not None]
    parts = [words.rate(median(rates))] if rates else []
    parts += [words.seconds(median(times))] if times else []
    return f"median {', '.join(parts)}" if parts else ""


def _pattern(outcomes: Sequence[Outcome], found: Sequence[Standout]) -> tuple[str, ...]:
    """Say which rows and columns are red, which is where to look first."""
    every = shares(outcomes).values()
    if every and all(one.is_whole for one in every):
        return ("No link passed at all: look first at what they share.",)
    by_rse: dict[str, list[Standout]] = {}
    for one in found:
        by_rse.setdefault(one.rse, []).append(one)
    told = [_told(*ones) for ones in by_rse.values()]
    if len(told) > MOST_PATTERNS:
        more = len(told) - MOST_PATTERNS
        told[MOST_PATTERNS:] = [f"{more} more RSEs stand out, see the names in red."]
    if not told and any(outcome.is_trouble for outcome in outcomes):
        told.append("No row or column stands out: only single links have trouble.")
    return tuple(told)


def _told(*ones: Standout) -> str:
    lines = " and ".join("row" if one.role == "source" else "column" for one in ones)
    return f"Look at the {lines} of {ones[0].rse}: {', '.join(_share(one) for one in ones)}."


def _share(one: Standout) -> str:
    ends = f"{one.tried:,} links {'from' if one.role == 'source' else 'to'} it"
    return f"none of {ends} passes" if one.is_whole else f"{one.bad:,} of {ends} do not pass"
