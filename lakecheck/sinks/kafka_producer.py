"""The open sink of Kafka: an idempotent producer, made anew after trouble."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from lakecheck.sinks.addressing import Addressing
from lakecheck.sinks.base import Item, Rejection, SinkTrouble
from lakecheck.sinks.kafka import Options
from lakecheck.sinks.kafka_access import ANSWER_WITHIN, Watch, first_answer, settings

TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)
UNFIT = (KafkaError.INVALID_RECORD, KafkaError.INVALID_MSG)
GRACE = 2.0  # s after the time-out of messages, in which they are reported

Failure = tuple[KafkaError, Message]


class KafkaSink:
    """Publishes batches, one after the other, so that a check's documents stay in order."""

    parallel = 1
    most_items = 10_000
    most_bytes = 8 * 2**20

    def __init__(self, options: Options) -> None:
        self._options = options
        self._addressing = Addressing(options.topic)
        self._watch = Watch(options)
        self._producer: Producer | None = None
        self._topics: set[str] = set()  # that are known to be there
        self._failures: list[Failure] = []  # of the messages under way

    def deliver(self, items: Sequence[Item]) -> list[Rejection]:
        """Publish a batch and wait until every message is acknowledged or refused."""
        try:
            return self._settled(items)
        except SinkTrouble:
            self._drop()
            raise
        except (KafkaException, SystemError) as error:  # the latter where a callback was under way
            self._drop()
            known = error if isinstance(error, KafkaException) else error.__cause__
            if not isinstance(known, KafkaException):
                raise
            raise self._watch.trouble_of(known.args[0]) from error

    def close(self) -> None:
        """Let go of the producer, in which nothing waits."""
        self._drop()

    def _settled(self, items: Sequence[Item]) -> list[Rejection]:
        """Offer all, and smaller and smaller parts of what was too large.

        The broker refuses whole requests, in which a message may be innocent.
        """
        rejected: dict[int, str] = {}
        waiting, part = list(range(len(items))), max(1, len(items))
        while waiting:
            large: dict[int, str] = {}
            for begin in range(0, len(waiting), part):
                self._offer(items, waiting[begin : begin + part], rejected, large)
            if part == 1:
                rejected.update(large)
                break
            waiting, part = sorted(large), max(1, part // 8)
        return [Rejection(index, rejected[index]) for index in sorted(rejected)]

    def _offer(
        self,
        items: Sequence[Item],
        indexes: Sequence[int],
        rejected: dict[int, str],
        large: dict[int, str],
    ) -> None:
        deadline = time.monotonic() + self._options.timeout + GRACE
        producer = self._ready()
        self._failures.clear()
        produce, place = producer.produce, self._addressing.of
        # Without polling in between: whoever lets go of the interpreter's lock waits for 5 ms to
        # get it back while another thread reads the next batch.
        for index in indexes:
            item = items[index]
            try:
                topic, key = place(item)
            except ValueError as error:
                rejected[index] = f"it is no JSON: {error}"
                continue
            if topic not in self._topics:
                self._look_at(topic)
            try:
                produce(topic, item.raw, key)
            except BufferError:
                self._wait_for_room(producer, deadline)
                produce(topic, item.raw, key)
            except KafkaException as error:
                self._refuse(error, index, rejected, topic)
        self._flush(producer, deadline)
        if self._failures:
            self._sort_out(items, indexes, rejected, large)

    def _flush(self, producer: Producer, deadline: float) -> None:
        while left := producer.flush(min(1.0, max(0.0, deadline - time.monotonic()))):
            trouble = self._watch.trouble
            if trouble and trouble.lasting:
                raise trouble
            if time.monotonic() >= deadline:
                told = f"Kafka at {self._options.brokers} has not acknowledged {left} documents"
                raise trouble or SinkTrouble(f"{told} within {self._options.timeout:g} s")
        self._watch.forget()

    def _wait_for_room(self, producer: Producer, deadline: float) -> None:
        most = int(_own(self._options)["queue.buffering.max.messages"])
        while len(producer) > most // 2:
            producer.poll(0.05)
            trouble = self._watch.trouble
            if trouble and trouble.lasting:
                raise trouble
            if time.monotonic() >= deadline:
                raise trouble or SinkTrouble(f"Kafka at {self._options.brokers} takes nothing more")

    def _refuse(
        self, error: KafkaException, index: int, rejected: dict[int, str], topic: str
    ) -> None:
        """Note a message that the producer itself does not take."""
        if error.args[0].code() not in TOO_LARGE:
            raise self._watch.trouble_of(error.args[0], topic) from error
        rejected[index] = 'it is larger than "message.max.bytes", which "config" can set'

    def _sort_out(
        self,
        items: Sequence[Item],
        indexes: Sequence[int],
        rejected: dict[int, str],
        large: dict[int, str],
    ) -> None:
        by_content: dict[bytes | None, list[int]] = {}
        for index in indexes:
            by_content.setdefault(items[index].raw, []).append(index)
        for error, message in self._failures:
            topic = message.topic() or ""
            if error.code() not in (*TOO_LARGE, *UNFIT):
                reason = self._watch.trouble
                late = error.code() == KafkaError._MSG_TIMED_OUT
                raise (late and reason) or self._watch.trouble_of(error, topic)
            told = f'the topic "{topic}" does not take it: {error.str()}'
            into = large if error.code() in TOO_LARGE else rejected
            into.update(dict.fromkeys(by_content[message.value()], told))

    def _ready(self) -> Producer:
        if self._producer is None:
            try:
                self._producer = Producer(self._settings())
            except (KafkaException, TypeError, ValueError) as error:
                why = error.args[0]
                told = why.str() if isinstance(why, KafkaError) else str(why)
                raise SinkTrouble(f"config: {told}", lasting=True) from error
            first_answer(self._producer, self._watch)
        return self._producer

    def _settings(self) -> dict[str, object]:
        return {
            **settings(self._options, self._watch),
            "on_delivery": self._reported,
            **_own(self._options),
        }

    def _reported(self, error: KafkaError | None, message: Message) -> None:
        if error:
            self._failures.append((error, message))

    def _look_at(self, topic: str) -> None:
        """See that a topic is there; the producer itself would take 30 s to say that it is not."""
        assert self._producer is not None
        try:
            found = self._producer.list_topics(topic, timeout=ANSWER_WITHIN).topics[topic].error
        except KafkaException as error:
            raise self._watch.trouble_of(error.args[0], topic) from error
        if found and found.code() != KafkaError.LEADER_NOT_AVAILABLE:  # it is being made
            raise self._watch.trouble_of(found, topic)
        self._topics.add(topic)

    def _drop(self) -> None:
        producer, self._producer = self._producer, None
        self._topics.clear()
        if producer is not None:
            with contextlib.suppress(KafkaException, SystemError):
                producer.purge()
                producer.flush(0)


def _own(options: Options) -> dict[str, str | int | float | bool]:
    milliseconds = int(options.timeout * 1000)
    return {
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "compression.type": "lz4",
        "message.timeout.ms": milliseconds,
        "topic.metadata.propagation.max.ms": 2000,
        "queue.buffering.max.messages": 20_000,
        "queue.buffering.max.kbytes": 32 * 2**10,
        # Delivered messages need no call each: flush tells when none is left.
        "delivery.report.only.error": True,
        **options.config,
    }
