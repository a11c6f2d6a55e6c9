"""Ships a journal to its sinks: at least once, each sink in its own time."""

from __future__ import annotations

import contextlib
import importlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from tenacity.wait import wait_exponential_jitter

from lakecheck import registry
from lakecheck.documents.redact import Redactor
from lakecheck.documents.result import rfc3339
from lakecheck.model import SinkChoice, SinkKind
from lakecheck.sinks.base import Rejection, Sink, SinkTrouble, secrets_of
from lakecheck.sinks.batches import Batch, any_pending, batches, pending
from lakecheck.sinks.cursor import Busy, Cursor, CursorFile
from lakecheck.units import Duration

Shipment = tuple[Path, Sequence[SinkChoice]]  # a journal, and where it goes
FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0  # seconds between two tries
log = logging.getLogger("lakecheck.sinks")


class Outcome(Struct):
    """How one journal stands with one sink."""

    sink: str
    target: str
    shipped: int  # by this call
    rejected: int  # by this call
    pending: int
    dead: int  # dead letters, all in all
    trouble: str = ""
    failing_since: str = ""
    oldest: str = ""  # @timestamp of the first pending document
    dead_letters: Path | None = None
    lasting: bool = False  # waiting does not help


def target_of(choice: SinkChoice) -> str:
    """Say where the documents of a sink go, without secrets."""
    kind: SinkKind = registry.load("sinks", choice.sink)
    return kind.target(choice.options)


def status(journal: Path, choices: Sequence[SinkChoice]) -> list[Outcome]:
    """Tell how a journal stands with each sink, without speaking to any."""
    return [
        _outcome(journal, CursorFile(journal, choice.name, target_of(choice)), 0, 0)
        for choice in choices
    ]


def ship(
    journal: Path,
    choices: Sequence[SinkChoice],
    within: float | None = None,
    stop: threading.Event | None = None,
    again: bool = False,
) -> list[Outcome]:
    """Ship what each sink has not got yet of one journal; gives an outcome a sink.

    As `ship_all` does.
    """
    return [outcome for _, outcome in ship_all([(journal, choices)], within, stop, again)]


def ship_all(
    shipments: Sequence[Shipment],
    within: float | None = None,
    stop: threading.Event | None = None,
    again: bool = False,
    seen: Callable[[Path, Outcome], None] = lambda journal, outcome: None,
) -> list[tuple[Path, Outcome]]:
    """Ship journals, each to its sinks: every sink gets on by itself, journal after journal.

    A sink that cannot take them is tried again until it has taken nothing for `within` seconds,
    for ever where that is None, and until `stop` is set. With `again`, all goes there once more.
    `seen` hears of each outcome when it is there. Nothing is raised because of a sink.
    """
    stop = stop or threading.Event()
    roads: dict[tuple[str, str], list[tuple[int, Path, SinkChoice]]] = {}
    number = 0
    for journal, choices in shipments:
        for choice in choices:
            road = roads.setdefault((choice.name, target_of(choice)), [])
            road.append((number, journal, choice))
            number += 1
    if not roads:
        return []
    found: dict[int, tuple[Path, Outcome]] = {}
    with ThreadPoolExecutor(len(roads), "lakecheck-ship") as threads:
        telling = threading.Lock()

        def walk(road: list[tuple[int, Path, SinkChoice]]) -> None:
            for number, journal, outcome in _walk(road, within, stop, again):
                with telling:
                    found[number] = (journal, outcome)
                    seen(journal, outcome)

        calls = [threads.submit(walk, road) for road in roads.values()]
        try:
            for call in calls:
                call.result()
        except BaseException:
            stop.set()
            raise
    return [found[number] for number in sorted(found)]


def _walk(
    road: list[tuple[int, Path, SinkChoice]],
    within: float | None,
    stop: threading.Event,
    again: bool,
) -> Iterator[tuple[int, Path, Outcome]]:
    """Ship journal after journal to one sink; what it refuses of two in a row ends it."""
    patience, trouble, failures = Patience(within), "", 0
    for number, journal, choice in road:
        if stop.is_set() or failures > 1 or (failures and patience.over()):
            (outcome,) = status(journal, [choice])
            if outcome.pending or again:
                outcome.trouble = trouble or outcome.trouble
        else:
            shipping = _Shipping(journal, choice, patience, stop)
            outcome = shipping.run(again)
            failures = failures + 1 if shipping.failed else 0
            trouble = outcome.trouble if shipping.failed else trouble
        yield number, journal, outcome


class Patience:
    """How long a sink is tried that takes nothing."""

    def __init__(self, within: float | None) -> None:
        self.within = within
        self._since = time.monotonic()

    def renew(self) -> None:
        """Count anew, since it took something."""
        self._since = time.monotonic()

    def over(self, wait: float = 0.0) -> bool:
        """Say whether it is at an end in `wait` seconds."""
        return self.within is not None and time.monotonic() + wait >= self._since + self.within


class _Shipping:
    """One journal on its way to one sink."""

    def __init__(
        self, journal: Path, choice: SinkChoice, patience: Patience, stop: threading.Event
    ) -> None:
        self.journal = journal
        self.choice = choice
        self.patience = patience
        self.stop = stop
        self.failed = self.lasting = False
        self.cursor = CursorFile(journal, choice.name, target_of(choice))
        self.redactor = Redactor(secrets_of(choice.options))
        self.shipped = self.rejected = 0
        self._noting = threading.Lock()

    def run(self, again: bool) -> Outcome:
        trouble = ""
        try:
            with self.cursor.hold():
                if again:
                    self.cursor.restart()
                if any_pending(self.journal, self.cursor.now.offset):
                    self._ship()
        except Busy:
            trouble = "another process is shipping to it"
        except SinkTrouble as error:
            self.failed = True
            self.lasting = error.lasting
            self._note(error)
        found = _outcome(self.journal, self.cursor, self.shipped, self.rejected)
        found.lasting = self.lasting
        found.trouble = trouble or found.trouble or self.cursor.unwritten
        return found

    def _ship(self) -> None:
        sink = self._open()
        try:
            self._in_order(sink)
        finally:
            with contextlib.suppress(Exception):
                sink.close()

    def _open(self) -> Sink:
        if self.choice.unset:
            names = " and ".join(self.choice.unset)
            verb = "is" if len(self.choice.unset) == 1 else "are"
            raise SinkTrouble(f"{names} {verb} not set in the environment", lasting=True)
        kind: SinkKind = registry.load("sinks", self.choice.sink)
        module, _, name = kind.sink.partition(":")
        try:
            made: Sink = getattr(importlib.import_module(module), name)(self._options())
            return made
        except ModuleNotFoundError as error:
            lacks = f"the Python package {error.name} is missing"
            how = f"install it: pip install 'lakecheck[{kind.name}]'"
            raise SinkTrouble(f"{lacks}; {how}", lasting=True) from error

    def _options(self) -> Any:
        """The sink's options; none of its answers is awaited longer than the sink is tried."""
        options = self.choice.options
        timeout = getattr(options, "timeout", None)
        if timeout is None or self.patience.within is None:
            return options
        most = max(1.0, self.patience.within)
        return msgspec.structs.replace(options, timeout=Duration(min(timeout, most)))

    def _in_order(self, sink: Sink) -> None:
        """Offer batches, a few at once; the cursor follows the oldest that is not done with.

        One more than the sink takes at once is read ahead, so that it never waits for the disk.
        """
        reading = batches(self.journal, self.cursor.now.offset, sink.most_items, sink.most_bytes)
        under_way: deque[tuple[Batch, Future[list[Rejection]]]] = deque()
        gone = threading.Event()  # one batch was given up, so the others need not go on
        with ThreadPoolExecutor(sink.parallel, f"lakecheck-{self.choice.name}") as threads:
            try:
                for batch in reading:
                    if self.stop.is_set():
                        break
                    if len(under_way) > sink.parallel:
                        self._settle(*under_way.popleft())
                    under_way.append((batch, threads.submit(self._deliver, sink, batch, gone)))
                while under_way:
                    self._settle(*under_way.popleft())
            except BaseException:
                gone.set()
                raise

    def _deliver(self, sink: Sink, batch: Batch, gone: threading.Event) -> list[Rejection]:
        if gone.is_set():
            raise SinkTrouble("an earlier batch was given up")
        try:
            return self._persist(sink, batch, gone) if batch.items else []
        except BaseException:
            gone.set()  # before the next batch begins in this thread
            raise

    def _persist(self, sink: Sink, batch: Batch, gone: threading.Event) -> list[Rejection]:
        """Try until the sink has taken a batch, it will never, or time is up."""

        def ended(state: RetryCallState) -> bool:
            error = state.outcome and state.outcome.exception()
            wait = state.upcoming_sleep
            lasting = isinstance(error, SinkTrouble) and error.lasting
            return lasting or self.patience.over(wait) or self.stop.is_set() or gone.is_set()

        def wait(state: RetryCallState) -> float:
            error = state.outcome and state.outcome.exception()
            least = error.after if isinstance(error, SinkTrouble) else 0.0
            return max(least, jitter(state))

        def sleep(seconds: float) -> None:
            until = time.monotonic() + seconds
            while not (self.stop.is_set() or gone.is_set()) and time.monotonic() < until:
                time.sleep(min(0.1, seconds))

        def note(state: RetryCallState) -> None:
            error = state.outcome and state.outcome.exception()
            if isinstance(error, SinkTrouble):
                self._note(error, going_on=True)

        jitter = wait_exponential_jitter(multiplier=FIRST_WAIT, max=LONGEST_WAIT, jitter=FIRST_WAIT)
        tries = Retrying(
            retry=retry_if_exception_type(SinkTrouble),
            wait=wait,
            stop=ended,
            sleep=sleep,
            before_sleep=note,
            reraise=True,
        )
        return tries(self._try, sink, batch)

    def _try(self, sink: Sink, batch: Batch) -> list[Rejection]:
        try:
            return sink.deliver(batch.items)
        except SinkTrouble:
            raise
        except Exception as error:  # a sink of somebody else, or our mistake: nothing is lost
            log.exception("%s failed in an unforeseen way", self.choice.name)
            sentence = f"the sink itself failed: {type(error).__name__}: {error}"
            raise SinkTrouble(sentence, lasting=True) from error

    def _settle(self, batch: Batch, call: Future[list[Rejection]]) -> None:
        """Wait for a batch, bury what was rejected, and move the cursor behind it."""
        rejections = call.result()
        now = rfc3339(time.time())
        letters: list[dict[str, Any]] = [
            {"at": now, "reason": self.redactor.text(rejection.reason), "line": line}
            for rejection in rejections
            if (line := batch.items[rejection.index].raw.decode("utf-8", "replace"))
        ]
        letters += [{"at": now, "reason": why, "line": line} for line, why in batch.foreign]
        if letters:
            try:
                self.cursor.bury(letters)
            except OSError as error:
                told = f"its dead letters cannot be written ({error.strerror}), so it waits"
                raise SinkTrouble(f"{self.cursor.dead}: {told}", lasting=True) from error
        self.patience.renew()
        shipped = len(batch.items) - len(rejections)
        self.cursor.advance(batch.end, shipped, len(letters))
        self.shipped += shipped
        self.rejected += len(letters)

    def _note(self, error: SinkTrouble, going_on: bool = False) -> None:
        sentence = self.redactor.text(str(error))
        with self._noting:
            if going_on and sentence != self.cursor.now.trouble:
                log.warning("%s: %s; it is tried again", self.choice.name, sentence)
            self.cursor.fail(sentence)


def _outcome(journal: Path, cursor: CursorFile, shipped: int, rejected: int) -> Outcome:
    now: Cursor = cursor.now
    left, oldest = pending(journal, now.offset)
    trouble = now.trouble or (cursor.disk_full() if left else "")
    return Outcome(
        sink=now.sink,
        target=now.target,
        shipped=shipped,
        rejected=rejected,
        pending=left,
        dead=now.rejected,
        trouble=trouble if left else "",
        failing_since=now.failing_since if left else "",
        oldest=oldest,
        dead_letters=cursor.dead if cursor.dead.exists() else None,
    )
