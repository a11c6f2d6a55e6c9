"""Messages of a queue of an AMQP 0-9-1 broker, such as RabbitMQ."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from lakecheck.model import SourceKind
from lakecheck.sinks.amqp import Access
from lakecheck.sinks.base import without_secrets


class Options(Access, frozen=True, kw_only=True):
    """Keys of an AMQP source."""

    queue: Annotated[str, Meta(description="The queue, which must be there.")]
    prefetch: Annotated[
        int, Meta(description="How many messages the broker sends ahead of what is acknowledged.")
    ] = 2000


SOURCE = SourceKind(
    name="amqp",
    title="Consume a queue of an AMQP broker, such as RabbitMQ.",
    options=Options,
    source="lakecheck.sinks.sources.amqp_consumer:AmqpSource",
    target=lambda options: f"{without_secrets(options.url).rstrip('/')} {options.queue}",
)
