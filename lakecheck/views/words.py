"""The words and signs in which statuses, steps and errors are told to people."""

from __future__ import annotations

from collections.abc import Iterable

from lakecheck.units import show_duration, show_rate, show_size

STATUSES = ("failed", "error", "blocked", "not_run", "skipped", "passed")  # worst first
TOLD = ("passed", "failed", "error", "blocked", "skipped", "not_run")  # as totals are told

SIGNS = {
    "passed": "✓",
    "failed": "✕",
    "error": "!",
    "blocked": "⊘",
    "skipped": "–",
    "not_run": "○",
}

MEANINGS = {
    "passed": "kept its promise",
    "failed": "the storage or service broke its promise",
    "error": "our spec, credential or installation is at fault; nothing is said about the site",
    "blocked": "something it needs did not pass",
    "skipped": "planned, but there was a reason not to run it",
    "not_run": "planned, but never reached",
}

STYLES = {  # of rich
    "passed": "green",
    "failed": "bold red",
    "error": "bold magenta",
    "blocked": "yellow",
    "skipped": "dim",
    "not_run": "cyan",
}

CLASSES = {
    "unreachable": "nothing answers there",
    "timeout": "no answer",
    "denied": "refused",
    "credential": "our credential was not accepted",
    "access": "access is not as it should be",
    "tls": "the secure connection could not be made",
    "missing": "the file is not there",
    "exists": "the file is there already",
    "full": "no space left",
    "checksum": "the content is not what was written",
    "unsupported": "the storage does not offer this",
    "overloaded": "the server is too busy",
    "protocol": "the answer does not fit the protocol",
    "tester": "it could not be tested as asked",
    "unknown": "an error that no rule knows",
}

SIDES = {
    "source": "the source's side",
    "destination": "the destination's side",
    "storage": "the storage's side",
    "transfer": "between the two storages",
    "network": "the network",
    "service": "the service's side",
    "tester": "our side",
}

# Where a link may break, from the top: what a diagnosis names.
LEVELS = {
    "rucio": "Rucio: FTS itself copies",
    "fts": "FTS: the storages copy by themselves",
    "direct": "the storages' copy: each of them works by itself",
    "storage": "a storage by itself",
}

STEPS = {
    "upload": "upload to",
    "stat": "stat on",
    "checksum": "checksum on",
    "download": "download from",
    "delete": "delete on",
    "register": "registration of",
    "rule": "rule for",
    "replica": "replica at",
}


def worst(statuses: Iterable[str]) -> str:
    """Name the worst of some statuses; `passed` for none."""
    found = set(statuses)
    return next((status for status in STATUSES if status in found), "passed")


def status_words(status: str) -> str:
    """Write a status for people: `not run`."""
    return status.replace("_", " ")


def count(number: int, noun: str, plural: str = "") -> str:
    """Write `1 link`, `12,000 links`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listing(names: Iterable[str], most: int = 3) -> str:
    """Write `A, B and C`, or `A, B, C and 4 more`."""
    every = list(names)
    if len(every) > most:
        return f"{', '.join(every[:most])} and {len(every) - most:,} more"
    if len(every) < 2:
        return "".join(every)
    return f"{', '.join(every[:-1])} and {every[-1]}"


def seconds(value: float | None) -> str:
    """Write a duration for people; nothing where it is not known."""
    return "" if value is None else show_duration(value)


def size(value: float | None) -> str:
    """Write bytes for people; nothing where they are not known."""
    return "" if value is None else show_size(value)


def rate(value: float | None) -> str:
    """Write bytes per second for people; nothing where they are not known."""
    return "" if value is None else show_rate(value)
