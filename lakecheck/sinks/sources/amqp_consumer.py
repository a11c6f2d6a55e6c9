"""The open source of AMQP: messages are acknowledged when they are kept."""

from __future__ import annotations

import contextlib
import time
from collections import deque
from functools import partial
from typing import Any

import pika
from pika import exceptions

from lakecheck.sinks.amqp_access import Broker
from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.sources.amqp import Options
from lakecheck.sinks.sources.base import Message

CLOSING_WITHIN = 1.0  # s
_LOST = (exceptions.AMQPError, OSError)


class AmqpSource:
    """A consumer of one queue; what is not acknowledged goes back to it."""

    def __init__(self, options: Options) -> None:
        """Connect and begin to consume; raises SinkTrouble."""
        self._broker = Broker(options)
        self._origin = options.queue
        self._got: deque[tuple[int, Message]] = deque()
        self._last = 0  # delivery tag of the last message that was given away
        self._cancelled = False
        self._connection: Any = None
        try:
            self._connection = pika.BlockingConnection(self._broker.parameters)
            self._channel: Any = self._connection.channel()
            self._channel.basic_qos(prefetch_count=options.prefetch)
            self._channel.add_on_cancel_callback(self._cancel)
            self._channel.basic_consume(options.queue, self._take)
        except _LOST as error:
            self.close()
            raise self._broker.trouble_of(error) from error

    def receive(self, most: int, within: float) -> list[Message]:
        """Give what is there, waiting for the first message only."""
        deadline = time.monotonic() + within
        try:
            # Called once in any case, for what has come and for heart-beats.
            self._connection.process_data_events(0)
            while not self._got and not self._cancelled:
                left = deadline - time.monotonic()
                if left <= 0:
                    break
                self._connection.process_data_events(left)
        except _LOST as error:
            raise self._broker.trouble_of(error) from error
        if self._cancelled and not self._got:
            told = f'the queue "{self._origin}" at the broker {self._broker.name} was deleted'
            raise SinkTrouble(told)
        found: list[Message] = []
        while self._got and len(found) < most:
            self._last, message = self._got.popleft()
            found.append(message)
        return found

    def acknowledge(self) -> None:
        """Acknowledge all that was given away."""
        if not self._last:
            return
        try:
            self._channel.basic_ack(self._last, multiple=True)
        except _LOST as error:
            raise self._broker.trouble_of(error) from error
        self._last = 0

    def close(self) -> None:
        """Hang up; the broker gives to others what was not acknowledged."""
        if self._connection is not None and self._connection.is_open:
            # pika would wait for the farewell of a broker that has frozen, without end.
            pika_own = self._connection._impl
            hang_up = partial(pika_own._terminate_stream, ConnectionError("we have hung up"))
            pika_own._adapter_call_later(CLOSING_WITHIN, hang_up)
            with contextlib.suppress(*_LOST):
                self._connection.close()

    def _take(self, channel: object, method: Any, properties: Any, body: bytes) -> None:
        headers = {name: str(value) for name, value in (properties.headers or {}).items()}
        if properties.message_id:
            headers["message_id"] = properties.message_id
        self._got.append((method.delivery_tag, Message(body, headers, self._origin)))

    def _cancel(self, _: object) -> None:
        self._cancelled = True
