"""Documents to Kafka: keyed by their check, acknowledged by all replicas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from lakecheck.model import SinkKind
from lakecheck.sinks.addressing import FIELDS, check_template
from lakecheck.units import Duration

Setting = str | int | float | bool


class Access(Struct, frozen=True, kw_only=True):
    """How to reach a Kafka cluster; the keys that sink and source share."""

    brokers: Annotated[str, Meta(description="Some of its brokers: HOST:PORT,HOST:PORT.")]
    user: Annotated[str, Meta(description="Who we are (SASL).")] = ""
    password: Annotated[str, Meta(description="The user's password.")] = ""
    mechanism: Annotated[
        Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"],
        Meta(description="How the password is shown."),
    ] = "PLAIN"
    tls: Annotated[
        bool, Meta(description="Speak TLS; with ca or a certificate it is spoken anyway.")
    ] = False
    ca: Annotated[
        str, Meta(description="Authorities trusted for TLS, a file or folder; else the machine's.")
    ] = ""
    certificate: Annotated[str, Meta(description="Client certificate for TLS, a PEM file.")] = ""
    key: Annotated[str, Meta(description="Its key, where that is in a file of its own.")] = ""
    timeout: Annotated[
        Duration, Meta(description="How long the brokers may take for an answer.")
    ] = Duration(30)
    config: Annotated[
        Mapping[str, Setting],
        Meta(description="Any further settings of librdkafka, such as linger.ms."),
    ] = field(default_factory=dict)


class Options(Access, frozen=True, kw_only=True):
    """Keys of a Kafka sink."""

    topic: Annotated[
        str,
        Meta(
            description="The topic, which must be there, such as lakecheck.{kind}; what stands in "
            f"braces is the document's: {', '.join(FIELDS)}."
        ),
    ] = "lakecheck"

    def __post_init__(self) -> None:
        """Refuse what can never work."""
        check_template("topic", self.topic)


SINK = SinkKind(
    name="kafka",
    title="Publish documents to a topic of Kafka.",
    options=Options,
    sink="lakecheck.sinks.kafka_producer:KafkaSink",
    target=lambda options: f"kafka://{options.brokers}/{options.topic}",
)
