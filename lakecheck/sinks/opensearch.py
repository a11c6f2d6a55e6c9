"""Documents into OpenSearch or Elasticsearch: an index a day, or a data stream."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

from lakecheck.model import SinkKind
from lakecheck.sinks.base import check_urls, without_secrets
from lakecheck.units import Duration

# Names of indices may have other characters too; these need no escapes anywhere.
_INDEX = re.compile(r"[a-z0-9][a-z0-9_.-]{0,199}")


class Options(Struct, frozen=True):
    """Keys of OpenSearch's and Elasticsearch's sinks."""

    url: Annotated[
        str | tuple[str, ...],
        Meta(description="http:// or https://HOST:PORT; of several nodes, the next is tried."),
    ]
    index: Annotated[
        str, Meta(description="Documents of 21 November 2026 go to INDEX-2026.11.21.")
    ] = "lakecheck"
    period: Annotated[
        Literal["day", "month"], Meta(description="What one index holds, in UTC.")
    ] = "day"
    user: Annotated[str, Meta(description="Who writes there; may stand in the url too.")] = ""
    password: Annotated[str, Meta(description="The user's, as ${VARIABLE}.")] = ""
    api_key: Annotated[str, Meta(description="Instead of user and password, encoded.")] = ""
    ca: Annotated[
        str, Meta(description="File or folder of authorities to trust; without, the machine's.")
    ] = ""
    timeout: Annotated[Duration, Meta(description="How long one answer may take.")] = Duration(30)
    retention: Annotated[
        Duration | None,
        Meta(
            description="How old indices are removed, by the server's own policy where it has "
            "such, else whenever documents are shipped; not of a data stream."
        ),
    ] = None
    data_stream: Annotated[
        bool,
        Meta(
            description="Write to the data stream INDEX. Only within one of its backing indices "
            "a document that comes again is known."
        ),
    ] = False
    shards: Annotated[int, Meta(description="Primary shards of an index.")] = 1
    replicas: Annotated[
        int | None, Meta(description="Copies of each shard; without, as the server has it.")
    ] = None
    batch: Annotated[int, Meta(description="Documents a request.")] = 2000

    def __post_init__(self) -> None:
        """Refuse what can never work."""
        check_urls(self.url, ("http", "https"), "https://HOST:9200")
        for index in [self.index] if "${" not in self.index else []:
            if not _INDEX.fullmatch(index):
                raise ValueError(
                    f'"{index}" cannot name an index: small letters, digits, and after the first '
                    "of them also . _ -"
                )
        if self.data_stream and self.retention is not None:
            raise ValueError(
                "retention removes whole indices, and a data stream's newest one must stay: leave "
                "retention out, and give the stream a lifecycle with rollover on the server"
            )
        if self.password and not self.user:
            raise ValueError("there is a password and no user; write both")
        if self.api_key and self.user:
            raise ValueError("there are a user and an api_key; write one of them")
        if self.shards < 1 or (self.replicas or 0) < 0 or not 1 <= self.batch <= 10_000:
            raise ValueError("shards is 1 or more, replicas 0 or more, batch from 1 to 10000")

    @property
    def urls(self) -> tuple[str, ...]:
        """The nodes' addresses, as written."""
        return (self.url,) if isinstance(self.url, str) else self.url


def _target(options: Options) -> str:
    first = without_secrets(next(iter(options.urls), "")).rstrip("/")
    return f"{first}/{options.index}" + (" (data stream)" if options.data_stream else "")


OPENSEARCH = SinkKind(
    name="opensearch",
    title="Into OpenSearch.",
    options=Options,
    sink="lakecheck.sinks.search_sink:SearchSink",
    target=_target,
)
ELASTICSEARCH = SinkKind(
    name="elasticsearch",
    title="Into Elasticsearch.",
    options=Options,
    sink="lakecheck.sinks.search_sink:SearchSink",
    target=_target,
)
