"""A sink that fails as told: to see what a run, `ship` and one's own alarms make of it."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from lakecheck.model import SinkKind
from lakecheck.sinks.base import Item, Rejection, SinkTrouble
from lakecheck.units import Duration


class Options(Struct, frozen=True):
    """Keys of a failing sink."""

    how: Annotated[
        Literal["down", "refuse", "reject", "crash"],
        Meta(
            description="down: cannot be reached; refuse: a wrong password; reject: takes no "
            "document, ever; crash: fails in a way that nobody foresaw."
        ),
    ] = "down"
    delay: Annotated[Duration | None, Meta(description="How long each try takes.")] = None
    first: Annotated[
        int | None, Meta(description="How many tries fail; from then on all goes well.")
    ] = None
    path: Annotated[str, Meta(description="Where what was taken is written.")] = ""


class FailingSink:
    """Fails."""

    parallel = 1
    most_items = 500
    most_bytes = 2**20

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tries = 0

    def deliver(self, items: Sequence[Item]) -> list[Rejection]:
        """Fail, or take the batch where enough tries have failed."""
        self._tries += 1
        if self._options.delay:
            time.sleep(self._options.delay)
        if self._options.first is not None and self._tries > self._options.first:
            if self._options.path:
                with open(self._options.path, "a") as file:
                    file.writelines(json.dumps(item.id) + "\n" for item in items)
            return []
        if self._options.how == "reject":
            return [Rejection(index, "it takes nothing") for index in range(len(items))]
        if self._options.how == "refuse":
            raise SinkTrouble("the password is wrong", lasting=True)
        if self._options.how == "crash":
            raise RuntimeError("nobody foresaw this")
        raise SinkTrouble("it cannot be reached")

    def close(self) -> None:
        """Nothing is held open."""


SINK = SinkKind(
    name="failing",
    title="Fails as told; for tests of what happens then.",
    options=Options,
    sink="lakecheck.sinks.failing:FailingSink",
    target=lambda options: f"failing:{options.how}",
)
