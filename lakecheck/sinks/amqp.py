"""Documents to an AMQP 0-9-1 broker, such as RabbitMQ: confirmed before they count."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from lakecheck.model import SinkKind
from lakecheck.sinks.addressing import FIELDS, check_template
from lakecheck.sinks.base import check_urls, without_secrets
from lakecheck.units import Duration

PORTS = {"amqp": 5672, "amqps": 5671}


class Access(Struct, frozen=True, kw_only=True):
    """How to reach an AMQP broker; the keys that sink and source share."""

    url: Annotated[
        str, Meta(description="The broker, amqp://HOST:PORT/VHOST or amqps://HOST:PORT/VHOST.")
    ]
    user: Annotated[str, Meta(description="Who we are; also amqp://USER:PASSWORD@HOST.")] = ""
    password: Annotated[str, Meta(description="The user's password.")] = ""
    ca: Annotated[
        str, Meta(description="Authorities trusted for TLS, a file or folder; else the machine's.")
    ] = ""
    certificate: Annotated[str, Meta(description="Client certificate for TLS, a PEM file.")] = ""
    key: Annotated[str, Meta(description="Its key, where that is in a file of its own.")] = ""
    heartbeat: Annotated[
        Duration, Meta(description="How often both sides give a sign of life; 0s is never.")
    ] = Duration(30)
    timeout: Annotated[
        Duration, Meta(description="How long the broker may take for an answer.")
    ] = Duration(30)

    def __post_init__(self) -> None:
        """Refuse what can never work."""
        check_urls(self.url, PORTS, "amqp://HOST:PORT/VHOST, or amqps:// for TLS")


class Options(Access, frozen=True, kw_only=True):
    """Keys of an AMQP sink."""

    exchange: Annotated[str, Meta(description="The exchange; the default one if empty.")] = ""
    routing_key: Annotated[
        str,
        Meta(
            description="The routing key, such as lakecheck.{document}.{kind}, or a queue's name "
            f"for the default exchange; what stands in braces is the document's: "
            f"{', '.join(FIELDS)}."
        ),
    ] = "lakecheck"
    queue: Annotated[
        str,
        Meta(description="A durable queue to declare and, with an exchange, to bind to it."),
    ] = ""
    binding: Annotated[
        str, Meta(description="Routing key of that binding; in a topic exchange, # takes all.")
    ] = "#"

    def __post_init__(self) -> None:
        """Refuse what can never work."""
        super().__post_init__()
        check_template("routing_key", self.routing_key)


def target(options: Options) -> str:
    """Say where documents go."""
    url = without_secrets(options.url).rstrip("/")
    return f"{url} {options.exchange or 'queue'} {options.routing_key}"


SINK = SinkKind(
    name="amqp",
    title="Publish documents to an AMQP broker, such as RabbitMQ.",
    options=Options,
    sink="lakecheck.sinks.amqp_publisher:AmqpSink",
    target=target,
)
