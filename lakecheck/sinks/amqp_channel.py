"""A channel on which the broker confirms what it keeps, with an end to every wait."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pika
from pika.adapters.select_connection import IOLoop

from lakecheck.sinks.amqp import Options
from lakecheck.sinks.amqp_access import Broker
from lakecheck.sinks.base import SinkTrouble

CLOSING_WITHIN = 1.0  # s


class Channel:
    """One connection with one channel, used by one thread.

    pika's blocking connection waits for each message's confirm, which a broker gives when the
    message is on its disk: some hundreds a second. Here a whole batch is under way.
    """

    def __init__(self, broker: Broker, options: Options) -> None:
        self._broker = broker
        self._options = options
        self._loop = IOLoop()
        self._connection: Any = None
        self._channel: Any = None
        self._ended: BaseException | None = None  # why the broker or pika has closed it
        self._gone = False  # the connection is closed
        self._trouble: SinkTrouble | None = None
        self._blocked = ""
        self._sent = 0
        self._open: dict[int, None] = {}  # delivery tags without an answer, oldest first
        self._refused = 0

    def open(self, deadline: float) -> None:
        """Connect, and declare what is to be declared; raises SinkTrouble."""
        self._connection = pika.SelectConnection(
            self._broker.parameters,
            on_open_callback=lambda made: made.channel(on_open_callback=self._opened),
            on_open_error_callback=self._hung_up,
            on_close_callback=self._hung_up,
            custom_ioloop=self._loop,
        )
        self._connection.add_on_connection_blocked_callback(self._hear_blocked)
        self._connection.add_on_connection_unblocked_callback(self._hear_unblocked)
        self._run(deadline, "does not answer")

    def publish(self, routing_key: str, body: bytes, properties: pika.BasicProperties) -> None:
        """Hand a message to pika; it goes out during the next wait."""
        self._channel.basic_publish(
            self._options.exchange, routing_key, body, properties, mandatory=True
        )
        self._sent += 1
        self._open[self._sent] = None

    def until_confirmed(self, deadline: float) -> None:
        """Wait until the broker has all that was published; raises SinkTrouble."""
        if self._open:
            self._run(deadline, f"has not confirmed {len(self._open)} documents")
        if self._refused:
            count, self._refused = self._refused, 0
            told = f"the broker {self._broker.name} has refused {count} documents; is a queue full?"
            raise SinkTrouble(told)

    def close(self) -> None:
        """End it, politely where the broker answers in a second."""
        polite = self._ended is None and self._trouble is None
        if polite and self._connection.is_open:
            self._connection.close()
            self._until_gone()
        if self._connection is not None and not self._gone:
            # pika has no public way to hang up on a broker that does not answer.
            self._connection._terminate_stream(ConnectionError("we have hung up"))
            self._until_gone()
        self._loop.close()

    def _until_gone(self) -> None:
        deadline = time.monotonic() + CLOSING_WITHIN
        while not self._gone and time.monotonic() < deadline:
            self._turn(deadline - time.monotonic())

    def _run(self, deadline: float, late: str) -> None:
        """Let pika work until a callback says that it is done; raises SinkTrouble."""
        in_time = self._turn(deadline - time.monotonic())
        if self._trouble:
            raise self._trouble
        if self._ended:
            raise self._broker.trouble_of(self._ended) from self._ended
        if not in_time:
            why = f", which has blocked us: {self._blocked}" if self._blocked else ""
            within = f"within {self._options.timeout:g} s"
            self._trouble = SinkTrouble(f"the broker {self._broker.name}{why} {late} {within}")
            raise self._trouble

    def _turn(self, within: float) -> bool:
        late: list[bool] = []

        def too_late() -> None:
            late.append(True)
            self._loop.stop()

        timer = self._loop.call_later(max(0.0, within), too_late)
        self._loop.start()
        self._loop.remove_timeout(timer)
        return not late

    def _opened(self, channel: Any) -> None:
        self._channel = channel
        channel.add_on_close_callback(self._closed)
        channel.add_on_return_callback(self._returned)
        channel.confirm_delivery(self._confirmed, callback=lambda _: self._declare(channel))

    def _declare(self, channel: Any) -> None:
        options, ready = self._options, self._ready
        if not options.queue:
            ready()
            return
        bind: Callable[[object], object] = ready
        if options.exchange:

            def bind(_: object) -> None:
                channel.queue_bind(options.queue, options.exchange, options.binding, None, ready)

        channel.queue_declare(options.queue, durable=True, callback=bind)

    def _ready(self, _: object = None) -> None:
        self._loop.stop()

    def _hung_up(self, connection: object, reason: Any) -> None:
        self._gone = True
        self._closed(connection, reason)

    def _closed(self, _: object, reason: Any) -> None:
        # Of connection and channel, the first one to close says why.
        self._ended = self._ended or _as_error(reason)
        self._loop.stop()

    def _confirmed(self, frame: Any) -> None:
        answer, waiting = frame.method, self._open
        tags = [answer.delivery_tag]
        if answer.multiple:
            tags = []
            for tag in waiting:
                if tag > answer.delivery_tag:
                    break
                tags.append(tag)
        for tag in tags:
            waiting.pop(tag, None)
        if answer.NAME == "Basic.Nack":
            self._refused += len(tags)
        if not waiting:
            self._loop.stop()

    def _returned(self, channel: object, method: Any, properties: object, body: bytes) -> None:
        exchange = (
            f'the exchange "{method.exchange}"' if method.exchange else "the default exchange"
        )
        told = f'at the broker {self._broker.name}, {exchange} has no queue for "%s"; %s'
        way = "bind one, or name it with queue:" if method.exchange else "declare it, with queue:"
        self._trouble = SinkTrouble(told % (method.routing_key, way), lasting=True)
        self._loop.stop()

    def _hear_blocked(self, _: object, frame: Any) -> None:
        self._blocked = str(frame.method.reason)

    def _hear_unblocked(self, _: object, frame: object) -> None:
        self._blocked = ""


def _as_error(reason: Any) -> BaseException:
    return reason if isinstance(reason, BaseException) else ConnectionError(str(reason))
