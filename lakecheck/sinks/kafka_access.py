"""What Kafka's sink and source share: settings of librdkafka, and its errors as sentences."""

from __future__ import annotations

import logging
import threading
import time
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.kafka import Access

log = logging.getLogger("lakecheck.sinks.kafka")
ANSWER_WITHIN = 10.0  # s for one request: so soon a frozen broker is noticed
LOOK_WITHIN = 5.0  # s for a first answer of any broker
_NOBODY = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE)
_LATE = (KafkaError._MSG_TIMED_OUT, KafkaError._TIMED_OUT, KafkaError._TIMED_OUT_QUEUE)
_NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)
_NO_USER = (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)


class Quietly:
    """Takes librdkafka's own log, which would go to stderr else."""

    def log(self, level: int, message: str, *values: object) -> None:
        """Note it where somebody looks for more."""
        log.debug(message, *values)


class Watch:
    """Remembers what librdkafka told in passing: nothing else says why nobody answers."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._lock = threading.Lock()
        self._last: KafkaError | None = None
        self.nobody = False  # no broker can be reached at all

    def note(self, error: KafkaError) -> None:
        """Take an error of its `error_cb`; one that waiting does not cure is kept."""
        with self._lock:
            known = self._last
            # That all brokers are down is no reason; what came before it is.
            summary = error.code() == KafkaError._ALL_BROKERS_DOWN
            self.nobody = self.nobody or summary
            if known is None or not (summary or self.trouble_of(known).lasting):
                self._last = error
        log.debug("%s", error)

    def forget(self) -> None:
        """Begin anew, since it answers."""
        self._last, self.nobody = None, False

    @property
    def trouble(self) -> SinkTrouble | None:
        """What is wrong, as far as is known."""
        return self.trouble_of(self._last) if self._last else None

    def trouble_of(self, error: KafkaError, topic: str = "") -> SinkTrouble:
        """Say an error as a sentence with the way out."""
        code, said, where = error.code(), _tidy(error.str()), f"Kafka at {self._access.brokers}"
        if code in _NO_USER:
            return SinkTrouble(f"{where} does not accept who we are: {said}", lasting=True)
        if code == KafkaError._SSL:
            untrusted = "certificate" in said.lower()
            hint = '; "ca" names whom to trust' if untrusted else ""
            return SinkTrouble(f"{where}: no TLS: {said}{hint}", lasting=untrusted)
        if code in _NO_TOPIC:
            tool = f"kafka-topics.sh --bootstrap-server {self._access.brokers} --create"
            told = f'{where} has no topic "{topic}"; create it: {tool} --topic {topic}'
            return SinkTrouble(told, lasting=True)
        if code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED):
            what = f'the topic "{topic}"' if topic else "the group of consumers"
            told = f"{where} gives us no right to {what}; its administrators can grant it"
            return SinkTrouble(told, lasting=True)
        if code == KafkaError.CLUSTER_AUTHORIZATION_FAILED:
            told = f"{where} gives us no right to write; its administrators can grant it"
            return SinkTrouble(told, lasting=True)
        if code in (KafkaError._INVALID_ARG, KafkaError.TOPIC_EXCEPTION):
            return SinkTrouble(f"{where}: {said}", lasting=True)
        if code in _NOBODY or code in _LATE:
            return SinkTrouble(f"{where} does not answer: {said}")
        return SinkTrouble(f"{where}: {said}")


def _tidy(said: str) -> str:
    # ssl://127.0.0.1:9093/bootstrap: …: SSL handshake failed: error:0A000086:…: certificate …
    return said.removesuffix(": brokers are down").strip().rstrip(".")


def settings(access: Access, watch: Watch) -> dict[str, Any]:
    """Give what any client of librdkafka needs; what the user says wins."""
    tls = access.tls or bool(access.ca or access.certificate)
    protocol = {
        (False, False): "PLAINTEXT",
        (False, True): "SSL",
        (True, False): "SASL_PLAINTEXT",
        (True, True): "SASL_SSL",
    }[bool(access.user), tls]
    found: dict[str, Any] = {
        "bootstrap.servers": access.brokers,
        "client.id": "lakecheck",
        "security.protocol": protocol,
        "socket.timeout.ms": int(min(ANSWER_WITHIN, access.timeout) * 1000),
        "reconnect.backoff.max.ms": 2000,
        "error_cb": watch.note,
        "logger": Quietly(),
    }
    if access.user:
        found["sasl.mechanism"] = access.mechanism
        found["sasl.username"] = access.user
        found["sasl.password"] = access.password
    for name, value in (
        ("ssl.ca.location", access.ca),
        ("ssl.certificate.location", access.certificate),
        ("ssl.key.location", access.key or access.certificate),
    ):
        if value:
            found[name] = value
    return found


def first_answer(client: Any, watch: Watch, within: float = LOOK_WITHIN) -> None:
    """Wait until a broker answers; raises SinkTrouble, with the reason where there is one."""
    deadline = time.monotonic() + within
    while True:
        left = deadline - time.monotonic()
        try:
            client.list_topics(timeout=max(0.1, min(1.0, left)))
        except KafkaException as error:
            client.poll(0)  # for what its error_cb has to say
            trouble = watch.trouble
            if trouble and (trouble.lasting or watch.nobody or left <= 1.0):
                raise trouble from error
            if left <= 1.0:
                raise watch.trouble_of(error.args[0]) from error
        else:
            watch.forget()
            return
