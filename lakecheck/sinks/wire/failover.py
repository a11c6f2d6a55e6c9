"""The first broker of a list that takes us."""

from __future__ import annotations

import contextlib

from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.wire.answers import Held
from lakecheck.sinks.wire.brokers import Access, Broker, brokers
from lakecheck.sinks.wire.connection import Connection, Lost

TRIES = 3  # of a log-in: ActiveMQ may close before its refusal has gone out


class FailOver:
    """Connects to one of several brokers; after trouble with one, the next is asked first."""

    def __init__(self, url: str | tuple[str, ...], access: Access) -> None:
        self._brokers = brokers(url)
        self._access = access
        self._first = 0

    def connect(self) -> Connection:
        """Ask each broker once; raises SinkTrouble with what each one said."""
        troubles: list[SinkTrouble] = []
        for step in range(len(self._brokers)):
            number = (self._first + step) % len(self._brokers)
            try:
                connection = self._connected(self._brokers[number])
            except Held:
                raise  # who waits to take over shall not begin another subscription elsewhere
            except SinkTrouble as error:
                troubles.append(error)
            else:
                self._first = number
                return connection
        if len(troubles) == 1:
            raise troubles[0]
        sentence = "; ".join(dict.fromkeys(map(str, troubles)))
        raise SinkTrouble(sentence, lasting=all(each.lasting for each in troubles))

    def _connected(self, broker: Broker) -> Connection:
        for _ in range(TRIES - 1):
            with contextlib.suppress(Lost):
                return Connection(broker, self._access)
        return Connection(broker, self._access)

    def turn(self) -> None:
        """Begin with the next broker."""
        self._first = (self._first + 1) % len(self._brokers)
