"""Messages of a broker that speaks STOMP, such as ActiveMQ: queues, topics, durable subscriptions.

Several consumers share the queue of a virtual topic, `/queue/Consumer.GROUP.VirtualTopic.NAME`.
"""

from __future__ import annotations

import time
from collections import deque
from typing import Annotated

from msgspec import Meta, Struct

from lakecheck.model import SourceKind
from lakecheck.sinks.base import SinkTrouble, check_urls, without_secrets
from lakecheck.sinks.sources.base import Message
from lakecheck.sinks.wire.answers import trouble_of
from lakecheck.sinks.wire.brokers import PORTS, URLS, Access
from lakecheck.sinks.wire.failover import FailOver
from lakecheck.sinks.wire.frames import Frame, frame
from lakecheck.units import Duration


class Options(Struct, frozen=True):
    """Keys of a STOMP source."""

    url: Annotated[
        str | tuple[str, ...],
        Meta(
            description="The broker, stomp://HOST:PORT or stomp+ssl://HOST:PORT; of a list, the "
            "first one that answers."
        ),
    ]
    destination: Annotated[
        str | tuple[str, ...],
        Meta(
            description="Queue or topic, or several: /queue/NAME, /topic/NAME, "
            "/queue/Consumer.GROUP.VirtualTopic.NAME."
        ),
    ]
    user: Annotated[str, Meta(description="Who we are; also stomp://USER:PASSWORD@HOST.")] = ""
    password: Annotated[str, Meta(description="The user's password.")] = ""
    ca: Annotated[
        str, Meta(description="Authorities trusted for TLS, a file or folder; else the machine's.")
    ] = ""
    certificate: Annotated[str, Meta(description="Client certificate for TLS, a PEM file.")] = ""
    key: Annotated[str, Meta(description="Its key, where that is in a file of its own.")] = ""
    client_id: Annotated[
        str,
        Meta(
            description="Makes subscriptions of topics durable: the broker keeps what comes while "
            "we are away. One consumer at a time has it; another waits to take over."
        ),
    ] = ""
    durable: Annotated[
        bool,
        Meta(
            description="Whether what topics get while nobody listens is wanted; needs client_id."
        ),
    ] = True
    subscription: Annotated[
        str, Meta(description="Name of the durable subscription; of several topics, its beginning.")
    ] = "lakecheck"
    selector: Annotated[
        str, Meta(description="Which messages, by their headers: event_type = 'transfer-done'.")
    ] = ""
    prefetch: Annotated[
        int, Meta(description="How many messages come ahead of being acknowledged.")
    ] = 1000
    heartbeat: Annotated[
        Duration, Meta(description="How often both sides give a sign of life; 0s is never.")
    ] = Duration(5)
    timeout: Annotated[
        Duration, Meta(description="How long the broker may take for an answer.")
    ] = Duration(30)

    def __post_init__(self) -> None:
        """Refuse what can never work."""
        check_urls(self.url, PORTS, URLS)
        named = self.destination
        destinations = (named,) if isinstance(named, str) else named
        topics = [each for each in destinations if each.startswith("/topic/")]
        if topics and self.durable and not self.client_id:
            raise ValueError(
                f"what {topics[0]} gets while nobody listens would be lost: give client_id, a name "
                "that no other consumer has, or write durable: false"
            )


class StompSource:
    """Subscriptions over one connection; what was received is acknowledged in one go."""

    def __init__(self, options: Options) -> None:
        """Connect and subscribe; raises SinkTrouble."""
        access = Access(
            user=options.user,
            password=options.password,
            ca=options.ca,
            certificate=options.certificate,
            key=options.key,
            heartbeat=float(options.heartbeat),
            timeout=float(options.timeout),
            client_id=options.client_id,
        )
        self._connection = FailOver(options.url, access).connect()
        self._early: deque[Frame] = deque()  # what came before all subscriptions stood
        self._last: dict[str, str] = {}  # by subscription: how to acknowledge all it gave
        try:
            self._subscribe(options)
        except BaseException:
            self._connection.drop()
            raise

    def receive(self, most: int, within: float) -> list[Message]:
        """Give what is there; waits for the first message only. Raises SinkTrouble."""
        found: list[Message] = []
        while len(found) < most:
            if self._early:
                answer: Frame | None = self._early.popleft()
            else:
                answer = self._connection.receive(0 if found else within)
            if answer is None:
                break
            if answer.command == "MESSAGE":
                found.append(self._message(answer))
            elif answer.command == "ERROR":
                raise self._trouble(answer)
        return found

    def acknowledge(self) -> None:
        """Let the broker forget what was received; raises SinkTrouble."""
        # Each for itself and all before it: the subscriptions ask for just that.
        acknowledgements = [frame("ACK", {"id": last}) for last in self._last.values()]
        self._last.clear()
        if acknowledgements:
            self._connection.send(b"".join(acknowledgements))

    def close(self) -> None:
        """Take leave of the broker; durable subscriptions stay."""
        self._connection.close()

    def _subscribe(self, options: Options) -> None:
        named = options.destination
        destinations = (named,) if isinstance(named, str) else tuple(dict.fromkeys(named))
        wanted = set()
        for number, destination in enumerate(destinations):
            headers = {
                "id": str(number),
                "destination": destination,
                "ack": "client",
                "receipt": f"subscribed-{number}",
                "activemq.prefetchSize": str(max(1, options.prefetch)),
            }
            if options.selector:
                headers["selector"] = options.selector
            if options.client_id and destination.startswith("/topic/"):
                several = f".{destination}" if len(destinations) > 1 else ""
                headers["activemq.subscriptionName"] = options.subscription + several
            self._connection.send(frame("SUBSCRIBE", headers))
            wanted.add(headers["receipt"])
        self._until_subscribed(wanted, float(options.timeout))

    def _until_subscribed(self, wanted: set[str], timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while wanted:
            answer = self._connection.receive(deadline - time.monotonic())
            if answer is None:
                name = self._connection.broker.name
                raise SinkTrouble(f"{name} does not answer a subscription within {timeout:g} s")
            if answer.command == "ERROR":
                raise self._trouble(answer)
            if answer.command == "MESSAGE":
                self._early.append(answer)
            wanted.discard(answer.headers.get("receipt-id", ""))

    def _message(self, answer: Frame) -> Message:
        headers = answer.headers
        self._last[headers.get("subscription", "")] = headers.get("ack", "")
        return Message(answer.body, headers, headers.get("destination", ""))

    def _trouble(self, answer: Frame) -> SinkTrouble:
        return trouble_of(self._connection.broker.name, answer, self._connection.user)


def _target(options: Options) -> str:
    url = options.url if isinstance(options.url, str) else next(iter(options.url), "")
    named = options.destination
    destinations = named if isinstance(named, str) else ", ".join(named)
    return f"{without_secrets(url)} {destinations}"


SOURCE = SourceKind(
    name="stomp",
    title="Consume from queues and topics of a message broker, such as ActiveMQ, by STOMP.",
    options=Options,
    source="lakecheck.sinks.sources.stomp:StompSource",
    target=_target,
)
