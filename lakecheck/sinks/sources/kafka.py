"""Messages of Kafka's topics, as a member of a group of consumers."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from lakecheck.model import SourceKind
from lakecheck.sinks.kafka import Access


class Options(Access, frozen=True, kw_only=True):
    """Keys of a Kafka source."""

    topics: Annotated[
        tuple[str, ...],
        Meta(description="The topics; one that begins with ^ is a pattern.", min_length=1),
    ]
    group: Annotated[str, Meta(description="The group of consumers, which share the messages.")] = (
        "lakecheck"
    )
    begin: Annotated[
        Literal["earliest", "latest"],
        Meta(description="Where a group begins that has read nothing yet."),
    ] = "earliest"


SOURCE = SourceKind(
    name="kafka",
    title="Consume topics of Kafka.",
    options=Options,
    source="lakecheck.sinks.sources.kafka_consumer:KafkaSource",
    target=lambda options: f"kafka://{options.brokers}/{','.join(options.topics)}",
)
