"""Messages of a broker become documents: kept first, acknowledged then."""

from __future__ import annotations

import contextlib
import importlib
import logging
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from lakecheck import registry
from lakecheck.collect.received import Received
from lakecheck.documents.foreign import NotUnderstood, recognise
from lakecheck.documents.redact import Redactor
from lakecheck.documents.result import Document
from lakecheck.errors import UsageError
from lakecheck.model import SinkChoice, SourceKind
from lakecheck.sinks import shipper
from lakecheck.sinks.base import SinkTrouble, secrets_of
from lakecheck.sinks.sources.base import Source

AT_ONCE = 1000  # messages
WITHIN = 0.5  # seconds to wait for the first of them
FIRST_WAIT, LONGEST_WAIT = 0.2, 30.0  # seconds between two tries
SHIP_EVERY = 2.0  # seconds
LEAVE_WITHIN = 3.0  # seconds
log = logging.getLogger("lakecheck.consume")


class Counts(Struct):
    """What was received so far."""

    messages: int = 0
    documents: int = 0
    dead: int = 0


class Consumer:
    """Reads all sources of a spec, each in a thread of its own, until `stop` is set.

    `heard` is told where it listens, once for each source that answers.
    """

    def __init__(
        self,
        received: Received,
        choices: tuple[SinkChoice, ...],
        heard: Callable[[str], None] = lambda target: None,
    ) -> None:
        self.received = received
        self.counts = Counts()
        self.stop = threading.Event()
        self.silent = {choice.name: "it did not answer" for choice in choices}  # never heard; why
        self.lasting = ""  # why a source cannot be heard, where waiting does not help
        self._tell = heard
        self._keeping = threading.Lock()
        self._redactor = Redactor()
        self._choices = choices
        self._heard = time.monotonic()

    def run(self, most: int | None = None, idle: float | None = None) -> None:
        """Consume until told to stop, `most` messages are kept, or none came for `idle` seconds."""
        self._heard = time.monotonic()
        threads = [
            threading.Thread(target=self._read, args=(choice,), daemon=True)
            for choice in self._choices
        ]
        for thread in threads:
            thread.start()
        while not self.stop.wait(0.05):
            quiet = time.monotonic() - self._heard
            enough = most is not None and self.counts.messages >= most
            if enough or (idle is not None and quiet > idle) or self.lasting:
                self.stop.set()
            if not any(thread.is_alive() for thread in threads):
                break
        # One that dials or logs in may take its whole timeout; what it has is not acknowledged.
        until = time.monotonic() + LEAVE_WITHIN
        for thread in threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _read(self, choice: SinkChoice) -> None:
        redactor = Redactor(secrets_of(choice.options))
        wait, told = FIRST_WAIT, ""
        while not self.stop.is_set():
            source: Source | None = None
            try:
                source = _open(choice)
                while not self.stop.is_set():
                    taken = self._take(source)
                    if self.silent.pop(choice.name, None):
                        self._tell(_target(choice))
                    if taken:
                        wait, told = FIRST_WAIT, ""
            except SinkTrouble as error:
                sentence = redactor.text(str(error))
                if error.lasting:
                    self.lasting = f"{choice.name}: {sentence}"
                    return
                if choice.name in self.silent:
                    self.silent[choice.name] = sentence
                if sentence != told:
                    log.warning("%s: %s; it is tried again", choice.name, sentence)
                told = sentence
                self.stop.wait(max(error.after, random.uniform(wait / 2, wait)))
                wait = min(2 * wait, LONGEST_WAIT)
            except Exception as error:  # our mistake, or somebody else's source: it is tried again
                log.exception("%s failed in an unforeseen way; it is tried again", choice.name)
                self.silent[choice.name] = f"it failed: {type(error).__name__}: {error}"
                self.stop.wait(wait)
                wait = min(2 * wait, LONGEST_WAIT)
            finally:
                if source is not None:
                    with contextlib.suppress(Exception):
                        source.close()

    def _take(self, source: Source) -> bool:
        """Take some messages: on the disk first, then acknowledged."""
        messages = source.receive(AT_ONCE, WITHIN)
        if not messages:
            return False
        with self._keeping:
            try:
                self.received.turn(time.time())
            except (UsageError, OSError) as error:  # at midnight, on a full disk
                raise SinkTrouble(f"it could not be kept: {error}") from error
            for message in messages:
                try:
                    documents = recognise(message.body, message.headers)
                except NotUnderstood as error:
                    self.received.bury(message.body, message.headers, message.origin, str(error))
                    self.counts.dead += 1
                    continue
                for document in documents:
                    self.received.keep(self._masked(document))
                    self.counts.documents += 1
            self._until_kept()
        source.acknowledge()
        with self._keeping:
            self.counts.messages += len(messages)
        self._heard = time.monotonic()
        return True

    def _masked(self, document: Document) -> Document:
        # Other testers have masked theirs; a probe's author may know of no such thing.
        if document.get("document") != "record":
            return document
        masked: Document = self._redactor.value(document)
        return masked

    def _until_kept(self) -> None:
        told = False
        while self._held():
            if not told:
                log.warning("%s; nothing more is taken until it is kept", self.received.trouble)
                told = True
            if self.stop.wait(0.5):
                # Not acknowledged: the broker gives it again.
                raise SinkTrouble(f"it could not be kept: {self.received.trouble}")

    def _held(self) -> int:
        try:
            return self.received.settle()
        except OSError as error:
            raise SinkTrouble(f"it could not be kept: {error.strerror}") from error


class Publisher:
    """Ships what was received while it comes, each sink in a thread of its own."""

    def __init__(self, journals: Callable[[], list[Path]], choices: tuple[SinkChoice, ...]) -> None:
        self._journals = journals
        self._stop = threading.Event()
        self.rejected: dict[str, int] = {}  # by sink: documents refused for good
        self._threads = [
            threading.Thread(target=self._ship, args=(choice,), daemon=True) for choice in choices
        ]
        for thread in self._threads:
            thread.start()

    def _ship(self, choice: SinkChoice) -> None:
        wait = SHIP_EVERY
        while not self._stop.wait(wait):
            shipments = [(journal, [choice]) for journal in self._journals()]
            outcomes = [each for _, each in shipper.ship_all(shipments, None, self._stop)]
            refused = sum(outcome.rejected for outcome in outcomes)
            self.rejected[choice.name] = self.rejected.get(choice.name, 0) + refused
            # A wrong password may not be tried too often.
            troubled = any(outcome.trouble for outcome in outcomes)
            wait = min(2 * wait, LONGEST_WAIT) if troubled else SHIP_EVERY

    def end(self) -> None:
        """Leave off; what is not shipped yet, `lakecheck ship` takes."""
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


def _target(choice: SinkChoice) -> str:
    kind: SourceKind = registry.load("sources", choice.sink)
    return kind.target(choice.options)


def _open(choice: SinkChoice) -> Source:
    if choice.unset:
        names = " and ".join(choice.unset)
        raise SinkTrouble(f"not set in the environment: {names}", lasting=True)
    kind: SourceKind = registry.load("sources", choice.sink)
    module, _, name = kind.source.partition(":")
    try:
        made: Source = getattr(importlib.import_module(module), name)(choice.options)
        return made
    except ModuleNotFoundError as error:
        lacks = f"the Python package {error.name} is missing"
        told = f"{lacks}; install it: pip install 'lakecheck[{kind.name}]'"
        raise SinkTrouble(told, lasting=True) from error
