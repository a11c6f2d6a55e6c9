"""Documents to a broker that speaks STOMP, such as ActiveMQ: kept there before they count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from lakecheck.model import SinkKind
from lakecheck.sinks.addressing import check_template
from lakecheck.sinks.base import Item, Rejection, SinkTrouble, check_urls, without_secrets
from lakecheck.sinks.stomp_frames import Framed, Framing
from lakecheck.sinks.stomp_window import Window, Withheld
from lakecheck.sinks.wire.answers import TooLarge
from lakecheck.sinks.wire.brokers import PORTS, URLS, Access
from lakecheck.sinks.wire.connection import Connection, Lost
from lakecheck.sinks.wire.failover import FailOver
from lakecheck.units import Duration, Size

SUSPECT = 64 * 2**10  # bytes; no broker takes less
TRIES = 3  # of a suspect frame that ends each connection without a word


class Options(Struct, frozen=True):
    """Keys of a STOMP sink."""

    url: Annotated[
        str | tuple[str, ...],
        Meta(
            description="The broker, stomp://HOST:PORT or stomp+ssl://HOST:PORT; of a list, the "
            "first one that answers."
        ),
    ]
    destination: Annotated[
        str | dict[str, str],
        Meta(
            description="Queue or topic, such as /topic/lakecheck.{document}.{kind}; or a map of "
            "kinds (or types of document) to such, with default for the others. {document}, "
            "{kind}, {type}, {status}, {test}, {case}, {check}, {rse} are the document's."
        ),
    ]
    user: Annotated[str, Meta(description="Who we are; also stomp://USER:PASSWORD@HOST.")] = ""
    password: Annotated[str, Meta(description="The user's password.")] = ""
    ca: Annotated[
        str, Meta(description="Authorities trusted for TLS, a file or folder; else the machine's.")
    ] = ""
    certificate: Annotated[str, Meta(description="Client certificate for TLS, a PEM file.")] = ""
    key: Annotated[str, Meta(description="Its key, where that is in a file of its own.")] = ""
    heartbeat: Annotated[
        Duration, Meta(description="How often both sides give a sign of life; 0s is never.")
    ] = Duration(5)
    timeout: Annotated[
        Duration, Meta(description="How long the broker may take for an answer.")
    ] = Duration(30)
    persistent: Annotated[
        bool, Meta(description="Whether messages outlive a restart of the broker.")
    ] = True
    format: Annotated[
        Literal["json", "grid-probe"],
        Meta(description="json: the document; grid-probe: a record as grid probes write them."),
    ] = "json"
    largest: Annotated[
        Size, Meta(description="Frames above this are not even tried (ActiveMQ: maxFrameSize).")
    ] = Size(100_000_000)

    def __post_init__(self) -> None:
        """Refuse what can never work."""
        check_urls(self.url, PORTS, URLS)
        named = self.destination
        for template in (named,) if isinstance(named, str) else named.values():
            check_template("destination", template)


def access_of(options: Options) -> Access:
    """Who we are and how long we wait."""
    return Access(
        user=options.user,
        password=options.password,
        ca=options.ca,
        certificate=options.certificate,
        key=options.key,
        heartbeat=float(options.heartbeat),
        timeout=float(options.timeout),
    )


class StompSink:
    """Sends persistent messages, and asks for a receipt with every hundredth."""

    parallel = 1  # receipts of one connection come one after the other
    most_items = 5000
    most_bytes = 4 * 2**20

    def __init__(self, options: Options) -> None:
        self._timeout = float(options.timeout)
        self._framing = Framing(
            options.destination, options.persistent, options.format == "grid-probe"
        )
        self._brokers = FailOver(options.url, access_of(options))
        self._connection: Connection | None = None
        self._largest = int(options.largest)
        self._refused = 0  # size of the smallest frame that the broker found too large
        self._kept: set[str] = set()  # of a batch that went wrong, what the broker has
        self._careful = False  # the broker was full: one message first
        self._lost = False  # the broker has closed the connection, perhaps because of a frame

    def deliver(self, items: Sequence[Item]) -> list[Rejection]:
        """Hand over a batch and return once the broker has it all on its disk."""
        rejections: list[Rejection] = []
        frames: list[Framed] = []
        for index, item in enumerate(items):
            if item.id in self._kept:
                continue
            try:
                frames.append(self._framing.framed(index, item))
            except ValueError as error:
                rejections.append(Rejection(index, str(error)))
        while True:
            frames = self._small_enough(frames, rejections)
            try:
                self._try_largest(frames)
                self._send(frames)
                break
            except TooLarge:
                self._find_limit([each for each in frames if each.id not in self._kept])
        self._kept.clear()
        return rejections

    def close(self) -> None:
        """Take leave of the broker."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _small_enough(self, frames: list[Framed], rejections: list[Rejection]) -> list[Framed]:
        fit: list[Framed] = []
        for each in frames:
            if each.size > self._largest:
                why = f"and largest is {self._largest} here"
            elif self._refused and each.size >= self._refused:
                why = f"and the broker takes none of {self._refused} or more"
            else:
                fit.append(each)
                continue
            reason = f"it makes a frame of {each.size} bytes, {why}"
            rejections.append(Rejection(each.index, reason))
        return fit

    def _try_largest(self, frames: list[Framed]) -> None:
        """See whether it was the largest frame that made the broker close the connection."""
        left = [each for each in frames if self._lost and each.id not in self._kept]
        largest = max(left, key=lambda each: each.size, default=None)
        if largest is not None and not self._fits(largest):
            raise TooLarge("the broker closes the connection whenever the largest frame comes")
        self._lost = False

    def _find_limit(self, frames: list[Framed]) -> None:
        """Find the smallest frame that is too large, of which there is one, by halves."""
        ordered = sorted(frames, key=lambda each: each.size)
        low, high = 0, len(ordered) - 1
        while low < high:
            middle = (low + high) // 2
            if self._fits(ordered[middle]):
                low = middle + 1
            else:
                high = middle
        self._refused = ordered[low].size

    def _fits(self, framed: Framed) -> bool:
        """Send one frame alone, and say whether the broker takes frames of its size."""
        for _ in range(TRIES):
            try:
                self._send([framed])
                return True
            except TooLarge:
                return False
            except Lost:
                # ActiveMQ says why, mostly; and that it can be reached again, the next try tells.
                if framed.size < SUSPECT:
                    raise
        return False

    def _send(self, frames: Sequence[Framed]) -> None:
        """Send what the broker has not confirmed yet, and return when it has confirmed all."""
        left = [each for each in frames if each.id not in self._kept]
        if not left:
            return
        try:
            if self._connection is not None and not self._connection.sound():
                self._drop()  # it ended while nothing was under way
            if self._connection is None:
                self._connection = self._brokers.connect()
            Window(self._connection, self._timeout, self._keep).send(left, self._careful)
            self._careful = False
        except SinkTrouble as error:
            self._careful = self._careful or isinstance(error, Withheld)
            self._lost = self._lost or isinstance(error, Lost)
            if not isinstance(error, TooLarge):
                self._brokers.turn()
            self._drop()
            raise

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.drop()
            self._connection = None

    def _keep(self, frames: Sequence[Framed]) -> None:
        self._kept.update(each.id for each in frames)


def _target(options: Options) -> str:
    url = options.url if isinstance(options.url, str) else next(iter(options.url), "")
    where = options.destination
    named = where if isinstance(where, str) else ", ".join(dict.fromkeys(where.values()))
    return f"{without_secrets(url)} {named}"


SINK = SinkKind(
    name="stomp",
    title="Send documents to a message broker, such as ActiveMQ, by STOMP.",
    options=Options,
    sink="lakecheck.sinks.stomp:StompSink",
    target=_target,
)
