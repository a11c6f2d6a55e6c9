"""What can be asked of a running engine, by its own process or over its socket."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from lakecheck.documents.result import Document, Result
from lakecheck.engine.calls import Calls
from lakecheck.engine.recorder import Recorder
from lakecheck.engine.workshop import Workshop
from lakecheck.errors import DRIVER_ERRORS, DriverError, TesterFailed
from lakecheck.model import Case


class Desk:
    """Answers questions as JSON values: documents, calls of own tests, their outcomes."""

    def __init__(self, recorder: Recorder, workshop: Workshop) -> None:
        self._recorder = recorder
        self._calls = Calls(workshop)
        self._own: dict[str, Case] = {}
        self.planned: Callable[[Mapping[str, Case]], None] = lambda cases: None  # told of additions

    def plan(self, cases: Mapping[str, Case]) -> None:
        """Take the cases of own tests, by the address of their check."""
        fresh = {check: case for check, case in cases.items() if check not in self._own}
        self._own.update(fresh)
        self._recorder.plan({check: (case, "call") for check, case in fresh.items()})

    def crashed(self, addresses: Collection[str]) -> Document | None:
        """Document the own test of one of these addresses: its process has died.

        None where there is no such test, or it told its outcome before.
        """
        for check in self._own.keys() & set(addresses):
            died = TesterFailed("the process of this test died in it", phase="call")
            self._recorder.emit(Result(self._own[check], "call", "error", time.time(), error=died))
            found = self._recorder.future(check)
            return found.result() if not found.cancelled() else None
        return None

    def _take_plan(self, cases: dict[str, Case]) -> int:
        before = len(self._own)
        self.plan(cases)
        if len(self._own) > before:
            self.planned(self._own)
        return len(self._own)

    async def ask(self, asked: dict[str, Any]) -> Any:
        """Answer one question; raises DriverError."""
        what = asked.get("ask")
        if what == "document":
            found = self._recorder.future(asked["check"])
            return await asyncio.wrap_future(found)
        if what == "call":
            return await self._call(asked)
        if what == "url":
            return self._calls.url(self._case(asked["check"]), asked["name"])
        if what == "outcome":
            return self._outcome(asked)
        if what == "plan":
            return self._take_plan(msgspec.convert(asked["cases"], dict[str, Case]))
        if what == "counts":
            return dict(self._recorder.counts)
        raise TesterFailed(f'the engine cannot be asked "{what}"')

    def _case(self, check: str) -> Case:
        case = self._own.get(check)
        if case is None:
            raise TesterFailed(f"{check} is not planned in this run")
        return case

    async def _call(self, asked: dict[str, Any]) -> Any:
        argument = asked.get("argument")
        if asked["method"] == "write":
            argument = base64.b64decode(argument or "")
        value = await self._calls.call(
            self._case(asked["check"]), asked["method"], asked["name"], argument, asked["left"]
        )
        return base64.b64encode(value).decode() if isinstance(value, bytes) else value

    def _outcome(self, asked: dict[str, Any]) -> str:
        error = asked.get("error")
        return self._recorder.emit(
            Result(
                case=self._case(asked["check"]),
                step="call",
                status=asked["status"],
                ended=time.time(),
                duration=asked.get("duration"),
                reason=asked.get("reason", ""),
                error=error_from_wire(error) if error else None,
                measures=asked.get("measures", {}),
            )
        )


def error_from_wire(told: dict[str, Any]) -> DriverError:
    """Rebuild an error that crossed the socket."""
    kind = DRIVER_ERRORS.get(told["class"], TesterFailed)
    return kind(
        told["message"],
        code=told.get("code"),
        side=told.get("side"),
        phase=told.get("phase"),
        host=told.get("host"),
    )
