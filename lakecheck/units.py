"""Sizes, durations and rates as people write them, to bytes, seconds and per-second numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal

SIZES = {
    "B": 1,
    "kB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
DURATIONS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
PERIODS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

LARGEST = 10**18  # of any quantity, in base units: an exabyte, or the age of the universe twice

SIZE_PATTERN = r"[0-9]+(\.[0-9]+)?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)"
DURATION_PATTERN = r"[0-9]+(\.[0-9]+)?(s|m|h|d|w)"
RATE_PATTERN = SIZE_PATTERN + r"/(s|m|h|d)"

_QUANTITY = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)([A-Za-z]+)")

Reader = Callable[[str], float]


def size(text: str) -> int:
    """Bytes of a size such as `1MB` or `1.5GiB`; ValueError where it is none."""
    return round(_read(text, SIZES, "a size", "1MB"))


def duration(text: str) -> float:
    """Seconds of a duration such as `30s` or `23h`; ValueError where it is none."""
    return float(_read(text, DURATIONS, "a duration", "30s"))


def rate(text: str) -> float:
    """Bytes per second of a rate such as `25MB/s` or `2TB/d`; ValueError where it is none."""
    amount, slash, period = text.partition("/")
    if not slash or period not in PERIODS:
        raise ValueError(f'"{_cut(text)}" is not a rate; write a size per time, such as 25MB/s')
    return size(amount) / PERIODS[period]


def _read(text: str, units: Mapping[str, int], noun: str, example: str) -> Decimal:
    match = _QUANTITY.fullmatch(text)
    if not match or match[2] not in units:
        message = f'"{_cut(text)}" is not {noun}; write a number and a unit, such as {example}'
        raise ValueError(message)
    value = Decimal(match[1]) * units[match[2]]
    if value > LARGEST:
        raise ValueError(f'"{_cut(text)}" is too large for {noun}')
    return value


def _cut(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"


def show_size(count: float) -> str:
    """Write bytes with the decimal unit that fits, three digits at most: `1.5MB`."""
    for unit in ("kB", "MB", "GB", "TB"):
        scaled = count / SIZES[unit]
        if scaled < 999.5 or unit == "TB":
            # Below 999.5 B there is nothing to scale; above, rounding never reaches 1000.
            return f"{count:.0f}B" if count < 999.5 else f"{_three_digits(scaled)}{unit}"
    raise AssertionError


def _three_digits(value: float) -> str:
    return f"{value:.3g}" if value < 999.5 else f"{value:.0f}"


def show_duration(seconds: float) -> str:
    """Write seconds for people: `4ms`, `1.3s`, `2m05s`, `3h10m`, `2d04h`."""
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


def show_rate(per_second: float) -> str:
    """Write bytes per second with the unit that fits: `25MB/s`."""
    return f"{show_size(per_second)}/s"


class Size(int):
    """Bytes, written with a unit in specs."""


class Duration(float):
    """Seconds, written with a unit in specs."""


class Rate(float):
    """Bytes per second, written with a unit in specs."""
