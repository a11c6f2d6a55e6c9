"""The open sink of AMQP: publishes a batch, and waits for the broker's confirms of it."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence

from pika import BasicProperties
from pika.exceptions import ChannelClosedByBroker

from lakecheck.sinks.addressing import Addressing
from lakecheck.sinks.amqp import Options
from lakecheck.sinks.amqp_access import Broker
from lakecheck.sinks.amqp_channel import Channel
from lakecheck.sinks.base import Item, Rejection, SinkTrouble

PERSISTENT = 2
LIMIT = re.compile(r"larger than (?:configured )?max size (\d+)")


class AmqpSink:
    """Publishes batches, one after the other, over one connection made anew after trouble."""

    parallel = 1
    most_items = 2000
    most_bytes = 4 * 2**20

    def __init__(self, options: Options) -> None:
        self._options = options
        self._broker = Broker(options)
        self._addressing = Addressing(options.routing_key)
        self._channel: Channel | None = None
        self._last = 0.0  # monotonic time of the last sign of life

    def deliver(self, items: Sequence[Item]) -> list[Rejection]:
        """Publish a batch; a message that no queue takes counts as trouble, since it is lost."""
        rejected: dict[int, str] = {}
        places: dict[int, str] = {}
        for index, item in enumerate(items):
            try:
                places[index], _ = self._addressing.of(item)
            except ValueError as error:
                rejected[index] = f"it is no JSON: {error}"
        while True:
            left = [index for index in range(len(items)) if index not in rejected]
            try:
                self._publish([(places[index], items[index]) for index in left])
            except SinkTrouble as error:
                self._drop()
                limit = _limit(error)
                large = [index for index in left if len(items[index].raw) > limit]
                if not large:
                    raise
                told = f"the broker {self._broker.name} takes {limit} bytes at most"
                rejected |= dict.fromkeys(large, told)
            else:
                return [Rejection(index, rejected[index]) for index in sorted(rejected)]

    def close(self) -> None:
        """Say good-bye where somebody listens."""
        self._drop()

    def _publish(self, items: Sequence[tuple[str, Item]]) -> None:
        deadline = time.monotonic() + self._options.timeout
        channel = self._ready(deadline)
        for place, item in items:
            properties = BasicProperties(
                content_type="application/json", delivery_mode=PERSISTENT, message_id=item.id
            )
            channel.publish(place, item.raw, properties)
        channel.until_confirmed(deadline)
        self._last = time.monotonic()

    def _ready(self, deadline: float) -> Channel:
        # Between batches nobody answers heart-beats, so after a while the broker has hung up.
        idle = time.monotonic() - self._last
        if self._options.heartbeat and idle > self._options.heartbeat:
            self._drop()
        if self._channel is None:
            self._channel = Channel(self._broker, self._options)
            self._channel.open(deadline)
        return self._channel

    def _drop(self) -> None:
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()


def _limit(trouble: SinkTrouble) -> float:
    """Read how many bytes a message may have, where one was too large; else infinity."""
    cause = trouble.__cause__
    match = isinstance(cause, ChannelClosedByBroker) and LIMIT.search(cause.reply_text)
    return int(match[1]) if match else float("inf")
