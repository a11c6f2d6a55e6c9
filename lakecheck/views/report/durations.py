"""How long each step took: percentiles, and where they lie on a common logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from lakecheck.views import words
from lakecheck.views.outcome import Outcome

_SHOWN = (0.001, 0.01, 0.1, 1.0, 10.0, 60.0, 600.0, 3600.0, 36000.0)


class Spread(Struct, frozen=True):
    """Percentiles of one step in seconds, and their places on the axis in percent."""

    test: str
    check: str
    protocol: str
    number: int
    p50: float
    p95: float
    longest: float
    places: tuple[float, float, float, float]  # shortest, p50, p95, longest


class Durations(Struct, frozen=True):
    """All steps, and the ticks of their axis as (percent, label)."""

    spreads: tuple[Spread, ...]
    ticks: tuple[tuple[float, str], ...]


def durations(outcomes: Sequence[Outcome]) -> Durations:
    """Measure the passed checks, by test, step and protocol."""
    times: dict[tuple[str, str, str], list[float]] = {}
    for outcome in outcomes:
        if outcome.status == "passed" and outcome.duration is not None:
            key = (outcome.test, outcome.check, outcome.protocol)
            times.setdefault(key, []).append(max(outcome.duration, 1e-4))
    if not times:
        return Durations((), ())
    every = [value for values in times.values() for value in values]
    low, high = _bounds(min(every), max(every))
    axis = _Axis(low, high)
    spreads = tuple(_spread(key, sorted(values), axis) for key, values in times.items())
    ticks = tuple(
        (axis(value), words.seconds(value).replace(".0s", "s").replace("m00s", "m"))
        for value in _SHOWN
        if low <= value <= high
    )
    return Durations(spreads, ticks)


class _Axis:
    def __init__(self, low: float, high: float) -> None:
        self.low = math.log(low)
        self.width = math.log(high) - self.low

    def __call__(self, value: float) -> float:
        return round((math.log(value) - self.low) / self.width * 100, 2)


def _bounds(low: float, high: float) -> tuple[float, float]:
    below = max((tick for tick in _SHOWN if tick <= low), default=low)
    above = min((tick for tick in _SHOWN if tick >= high), default=high)
    return (below, above) if above > below else (below, below * 10)


def _spread(key: tuple[str, str, str], values: Sequence[float], axis: _Axis) -> Spread:
    p50, p95 = percentile(values, 0.5), percentile(values, 0.95)
    places = (axis(values[0]), axis(p50), axis(p95), axis(values[-1]))
    return Spread(*key, len(values), p50, p95, values[-1], places)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Give the nearest-rank percentile of numbers in ascending order."""
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
