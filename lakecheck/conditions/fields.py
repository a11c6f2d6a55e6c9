"""The document fields that a condition may name, and in which unit each is."""

from __future__ import annotations

from collections.abc import Iterable

from lakecheck.conditions.tree import Dimension

_NUMBERS = ("attempt", "error.code")
_WORDS = (
    "auth_method",
    "blocked_by",
    "case",
    "check",
    "credential",
    "endpoint",
    "error.class",
    "error.fingerprint",
    "error.host",
    "error.message",
    "error.phase",
    "error.side",
    "experiment",
    "host",
    "kind",
    "protocol",
    "reason",
    "rse",
    "run.id",
    "run.trigger",
    "service",
    "severity",
    "site",
    "spec.name",
    "status",
    "test",
    "tester.host",
    "tester.ip",
    "tester.version",
    "transfer.mode",
    "vo",
)
_PLACES = ("endpoint", "experiment", "host", "protocol", "rse", "site", "vo")

FIELDS: dict[str, Dimension] = {
    "bytes": "size",
    "duration": "duration",
    "size": "size",
    "throughput": "rate",
    **dict.fromkeys(_NUMBERS, "number"),
    **dict.fromkeys(_WORDS, "word"),
    **dict.fromkeys((f"{end}.{name}" for end in ("source", "destination") for name in _PLACES),
                    "word"),
}  # fmt: skip

# The attributes of the RSE, or of a link's two, whatever they are.
LABELS = ("labels.", "source.labels.", "destination.labels.")


def is_known(name: str, more: Iterable[str] = ()) -> bool:
    """Whether documents have such a field; `more` are those of a kind (`tpc.verified`).

    Of those that end in a dot, whatever stands below is known.
    """
    below = (*LABELS, *(each for each in more if each.endswith(".")))
    return name in FIELDS or name in more or (name.startswith(below) and name not in below)


def step_of(name: str, more: Iterable[str] = ()) -> str:
    """Give the check's name before a field's (`upload.duration`), empty where there is none."""
    head, dot, rest = name.partition(".")
    return head if dot and not is_known(name, more) and is_known(rest, more) else ""
