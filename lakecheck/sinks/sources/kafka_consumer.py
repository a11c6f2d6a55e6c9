"""The open source of Kafka: what was read is committed when it is kept."""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka import Message as KafkaMessage

from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.kafka_access import ANSWER_WITHIN, LOOK_WITHIN, Watch, first_answer, settings
from lakecheck.sinks.sources.base import Message
from lakecheck.sinks.sources.kafka import Options

FILL_WITHIN = 0.02  # s; each commit costs as much as many messages, so a few are waited for


class KafkaSource:
    """A consumer of a group, whose places are committed by `acknowledge` alone."""

    def __init__(self, options: Options) -> None:
        """Join the group; raises SinkTrouble."""
        self._watch = Watch(options)
        self._wrong: SinkTrouble | None = None  # to be told when all before it is given away
        try:
            self._consumer = Consumer(_settings(options, self._watch))
        except (KafkaException, TypeError, ValueError) as error:
            why = error.args[0]
            told = why.str() if isinstance(why, KafkaError) else str(why)
            raise SinkTrouble(f"config: {told}", lasting=True) from error
        try:
            first_answer(self._consumer, self._watch)
            self._look_at(options)
            self._consumer.subscribe(list(options.topics))
        except BaseException:
            self._consumer.close()
            raise

    def receive(self, most: int, within: float) -> list[Message]:
        """Give what is there, waiting for the first message only."""
        if self._wrong:
            raise self._wrong
        try:
            got = self._consumer.consume(1, within)
            if got and most > 1:
                got += self._consumer.consume(most - 1, min(FILL_WITHIN, within))
        except (KafkaException, RuntimeError) as error:
            raise self._trouble(error) from error
        found: list[Message] = []
        for each in got:
            if each.error() is not None:
                self._mind(each)
                continue
            headers = each.headers()
            told = _texts(headers) if headers else {}
            found.append(Message(each.value() or b"", told, each.topic() or ""))
        if found:
            self._watch.forget()
        elif self._wrong:
            raise self._wrong
        elif self._watch.trouble:
            self._see_whether_anybody_answers()
        return found

    def acknowledge(self) -> None:
        """Commit the places behind all that was given away, which librdkafka has noted."""
        try:
            done = self._consumer.commit(asynchronous=False) or []
        except (KafkaException, RuntimeError) as error:
            known = error.args[0] if error.args else None
            if isinstance(known, KafkaError) and known.code() == KafkaError._NO_OFFSET:
                return  # nothing was received since, or others have the partitions now
            raise self._trouble(error) from error
        for each in done:
            if each.error:
                raise self._watch.trouble_of(each.error, each.topic)

    def close(self) -> None:
        """Leave the group, without committing anything."""
        self._consumer.close()

    def _mind(self, message: KafkaMessage) -> None:
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            self._wrong = self._wrong or self._watch.trouble_of(error, message.topic() or "")

    def _look_at(self, options: Options) -> None:
        for topic in options.topics:
            if topic.startswith("^"):
                continue
            try:
                found = self._consumer.list_topics(topic, timeout=ANSWER_WITHIN)
            except KafkaException as error:
                raise self._watch.trouble_of(error.args[0], topic) from error
            if wrong := found.topics[topic].error:
                raise self._watch.trouble_of(wrong, topic)

    def _see_whether_anybody_answers(self) -> None:
        try:
            self._consumer.list_topics(timeout=LOOK_WITHIN)
        except KafkaException as error:
            raise self._watch.trouble or self._watch.trouble_of(error.args[0]) from error
        self._watch.forget()  # one of several brokers had gone, or it is back

    def _trouble(self, error: Exception) -> SinkTrouble:
        if error.args and isinstance(error.args[0], KafkaError):
            return self._watch.trouble_of(error.args[0])
        return SinkTrouble(f"Kafka's consumer: {error}")


def _texts(headers: Any) -> dict[str, str]:
    pairs = headers.items() if isinstance(headers, dict) else headers
    return {name: (value or b"").decode("utf-8", "replace") for name, value in pairs}


def _settings(options: Options, watch: Watch) -> dict[str, Any]:
    return {
        **settings(options, watch),
        "group.id": options.group,
        "enable.auto.commit": False,
        "auto.offset.reset": options.begin,
        "session.timeout.ms": 15_000,
        "fetch.wait.max.ms": 100,
        **options.config,
    }
