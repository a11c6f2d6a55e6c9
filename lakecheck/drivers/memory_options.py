"""What a spec may ask of the memory driver: latency and faults, for all RSEs or for some."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct

from lakecheck import units
from lakecheck.errors import DRIVER_ERRORS, UsageError

StepName = Literal["upload", "stat", "checksum", "download", "delete", "copy", "list", "mkdir"]
SPOILING = ("corrupt", "truncate")
SPOILABLE = ("upload", "stat", "checksum", "download", "copy")
FAULTS = (*DRIVER_ERRORS, "hang", "crash", *SPOILING)


class _Asked(Struct, frozen=True, forbid_unknown_fields=True):
    faults: dict[StepName, str] = {}
    latency: str = "0s"


class _Options(_Asked, frozen=True, forbid_unknown_fields=True):
    on: dict[str, _Asked] = {}


class Behaviour(Struct, frozen=True):
    """How one RSE behaves: a fault for each step that has one, and seconds before every answer."""

    faults: Mapping[str, str]
    latency: float


class Behaviours(Struct, frozen=True):
    """How all RSEs behave, and those that `on` names."""

    common: Behaviour
    on: Mapping[str, Behaviour]

    def of(self, rse: str) -> Behaviour:
        """Tell how one RSE behaves; what `on` says of it adds to what holds for all."""
        return self.on.get(rse, self.common)


def decode(options: Mapping[str, Any]) -> Behaviours:
    """Read the options of `driver: {name: memory, …}`; UsageError says what is wrong."""
    try:
        asked = msgspec.convert(dict(options), _Options)
    except msgspec.ValidationError as mistake:
        raise UsageError(f"driver memory: {mistake}") from None
    common = Behaviour(_faults(asked.faults), _latency(asked.latency))
    on = {
        rse: Behaviour(
            {**common.faults, **_faults(own.faults)},
            _latency(own.latency) or common.latency,
        )
        for rse, own in asked.on.items()
    }
    return Behaviours(common, on)


def _faults(asked: Mapping[StepName, str]) -> dict[str, str]:
    for step, fault in asked.items():
        if fault not in FAULTS:
            raise UsageError(
                f'driver memory: faults.{step}: there is no fault "{fault}"; '
                f"write one of {', '.join(FAULTS)}"
            )
        if fault in SPOILING and step not in SPOILABLE:
            raise UsageError(
                f"driver memory: faults.{step}: a {step} carries nothing to {fault}; "
                f"only {', '.join(SPOILABLE)} do"
            )
    return {str(step): fault for step, fault in asked.items()}


def _latency(text: str) -> float:
    if text.endswith("ms"):  # finer than what durations of specs need elsewhere
        return _latency(text.removesuffix("ms") + "s") / 1000
    try:
        return units.duration(text)
    except ValueError as mistake:
        raise UsageError(f"driver memory: latency: {mistake}") from None
