"""Sizes, durations and rates as people write them, to bytes, seconds and per-second numbers."""

from __future__ import annotations

import re

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

SIZE_PATTERN = r"[0-9]+(\.[0-9]+)?(B|kB|MB|GB|TB|KiB|MiB|GiB|TiB)"
DURATION_PATTERN = r"[0-9]+(\.[0-9]+)?(s|m|h|d|w)"
RATE_PATTERN = SIZE_PATTERN + r"/(s|m|h|d)"

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]+)")


def size(text: str) -> int:
    """Bytes of a size such as `1MB` or `1.5GiB`; ValueError where it is none."""
    number, unit = _split(text, SIZES, "a size", "1MB")
    return round(number * SIZES[unit])


def duration(text: str) -> float:
    """Seconds of a duration such as `30s` or `23h`; ValueError where it is none."""
    number, unit = _split(text, DURATIONS, "a duration", "30s")
    return number * DURATIONS[unit]


def rate(text: str) -> float:
    """Bytes per second of a rate such as `25MB/s` or `2TB/d`; ValueError where it is none."""
    amount, slash, period = text.partition("/")
    if not slash or period not in PERIODS:
        raise ValueError(f'"{text}" is not a rate; write a size per time, such as 25MB/s')
    return size(amount) / PERIODS[period]


def _split(text: str, units: dict[str, int], noun: str, example: str) -> tuple[float, str]:
    match = _QUANTITY.fullmatch(text)
    if not match or match[2] not in units:
        raise ValueError(f'"{text}" is not {noun}; write a number and a unit, such as {example}')
    return float(match[1]), match[2]


def show_size(count: float) -> str:
    """Write bytes with the decimal unit that fits, three digits at most: `1.5MB`."""
    for unit in ("TB", "GB", "MB", "kB"):
        if count >= SIZES[unit]:
            return f"{count / SIZES[unit]:.3g}{unit}"
    return f"{count:.0f}B"


def show_duration(seconds: float) -> str:
    """Write seconds for people: `4ms`, `1.3s`, `2m05s`, `3h10m`, `2d04h`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
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
