"""What Nagios plug-ins print: a line for people, and performance data.

The form: https://nagios-plugins.org/doc/guidelines.html, "Performance data", and for several lines
https://assets.nagios.com/downloads/nagioscore/docs/nagioscore/4/en/pluginapi.html.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from msgspec import Struct

MOST = 100  # measures of one check: a store makes a field of each name
LONGEST = 100  # characters of a name
UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "B": 1.0,
    "KB": 1e3,
    "MB": 1e6,
    "GB": 1e9,
    "TB": 1e12,
    "PB": 1e15,
    "KiB": 2.0**10,
    "MiB": 2.0**20,
    "GiB": 2.0**30,
    "TiB": 2.0**40,
    "PiB": 2.0**50,
}
_FOLDED = {unit.lower(): factor for unit, factor in UNITS.items()}
_ITEM = re.compile(r"(?:'((?:[^']|'')+)'|([^\s='][^\s=]*))=(\S+)")
_VALUE = re.compile(
    r"([-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?)([^\d;]*)(?:;|$)"
)
_NAME = re.compile(r"[^A-Za-z0-9_-]+")


class Said(Struct, frozen=True):
    """What a plug-in printed: its first line without performance data, and measures by name."""

    line: str
    measures: dict[str, float]


def read(text: str) -> Said:
    """Take the output of a plug-in apart; what is no performance data is left out."""
    first, _, rest = text.lstrip("\r\n").partition("\n")
    line, _, data = first.partition("|")
    _, _, more = rest.partition("|")
    return Said(line.strip(), measures(f"{data} {more}"))


def measures(data: str) -> dict[str, float]:
    """Give the values of performance data in base units: seconds, bytes, or as they are."""
    found: dict[str, float] = {}
    for label, value in _items(data):
        name = _free(_NAME.sub("_", label)[:LONGEST], found)
        found[name] = value
        if len(found) == MOST:
            break
    return found


def _items(data: str) -> Iterator[tuple[str, float]]:
    for quoted, plain, rest in _ITEM.findall(data):
        match = _VALUE.match(rest)
        if match is None:  # U: the plug-in could not tell
            continue
        unit = match[2]
        factor = UNITS.get(unit, _FOLDED.get(unit.lower(), 1.0))
        value = float(match[1]) * factor
        if math.isfinite(value):
            # 0.1 ms are 0.0001 s, and not 0.00010000000000000001.
            yield quoted.replace("''", "'") or plain, float(f"{value:.15g}")


def _free(name: str, taken: dict[str, float]) -> str:
    """Give a name that is not taken: `a.b` and `a b` would be one."""
    number = 1
    found = name
    while found in taken:
        number += 1
        found = f"{name}_{number}"
    return found
