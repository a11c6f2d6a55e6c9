"""What a broker of ActiveMQ is told: users, rights, limits, connectors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from xml.sax.saxutils import quoteattr

from msgspec import Struct

GROUPS = {"pub": "pubs", "sub": "subs", "admin": "admins"}
LARGEST_FRAME = 2**20  # bytes
# Below these names `pub` writes and `sub` reads; elsewhere only `admin` does either.
OPEN = ("lakecheck.>", "probes", "probes.>", "rucio.>", "transfer.>", "monit.>")
NARROW = "lakecheck.narrow.>"  # so little memory that a consumer who is away blocks senders
FULL = "lakecheck.full.>"  # its store counts as full
_HEAD = """\
<beans xmlns="http://www.springframework.org/schema/beans"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://www.springframework.org/schema/beans
 http://www.springframework.org/schema/beans/spring-beans.xsd
 http://activemq.apache.org/schema/core http://activemq.apache.org/schema/core/activemq-core.xsd">
"""


class Broker(Struct, frozen=True):
    """One broker; `openwire` is where a partner joins it, `partner` such a port that it joins."""

    name: str
    data: Path
    stomp: int
    tls: int
    passwords: Mapping[str, str]
    key_store: Path
    key_store_password: str
    trust_store: Path
    openwire: int = 0
    partner: int = 0

    @property
    def ports(self) -> tuple[int, ...]:
        """All on which it listens."""
        return (self.stomp, self.tls, self.openwire) if self.openwire else (self.stomp, self.tls)


def configuration(broker: Broker) -> str:
    """Write the whole file; Spring's own placeholders fail in typed attributes."""
    return "\n".join([_HEAD, *_broker(broker), "</beans>"]) + "\n"


def _element(name: str, /, **attributes: object) -> str:
    pairs = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name}{pairs}/>"


def _broker(broker: Broker) -> Iterator[str]:
    yield (
        f'<broker xmlns="http://activemq.apache.org/schema/core" brokerName="{broker.name}" '
        f'useJmx="false" persistent="true" start="true" dataDirectory="{broker.data}/data">'
    )
    yield from _limits()
    if broker.partner:
        yield "<networkConnectors>"
        yield from _network(broker)
        yield "</networkConnectors>"
    folder = f"{broker.data}/data/kahadb"
    kahadb = _element("kahaDB", directory=folder, journalMaxFileLength="32mb")
    yield f"<persistenceAdapter>{kahadb}</persistenceAdapter>"
    yield "<plugins>"
    yield from _users(broker.passwords)
    yield from _rights()
    yield "</plugins>"
    store = _element(
        "sslContext",
        keyStore=f"file:{broker.key_store}",
        keyStoreType="PKCS12",
        keyStorePassword=broker.key_store_password,
        trustStore=f"file:{broker.trust_store}",
        trustStoreType="PKCS12",
        trustStorePassword=broker.key_store_password,
    )
    yield f"<sslContext>{store}</sslContext>"
    yield '<systemUsage><systemUsage sendFailIfNoSpace="false">'
    yield '<memoryUsage><memoryUsage limit="64 mb"/></memoryUsage>'
    yield '<storeUsage><storeUsage limit="2 gb"/></storeUsage>'
    yield '<tempUsage><tempUsage limit="64 mb"/></tempUsage>'
    yield "</systemUsage></systemUsage>"
    yield "<transportConnectors>"
    yield from _connectors(broker)
    yield "</transportConnectors></broker>"


def _limits() -> Iterator[str]:
    yield "<destinationPolicy><policyMap><policyEntries>"
    yield _element("policyEntry", topic=">", producerFlowControl="true", memoryLimit="8mb")
    yield _element("policyEntry", topic=NARROW, producerFlowControl="true", memoryLimit="256kb")
    yield _element("policyEntry", topic=FULL, storeUsageHighWaterMark=0)
    yield _element("policyEntry", queue=FULL, storeUsageHighWaterMark=0)
    # What waits on one broker of a pair goes back to the other when its consumers go there.
    back = _element("conditionalNetworkBridgeFilterFactory", replayWhenNoConsumers="true")
    yield '<policyEntry queue=">" memoryLimit="8mb" enableAudit="false">'
    yield f"<networkBridgeFilterFactory>{back}</networkBridgeFilterFactory></policyEntry>"
    yield "</policyEntries></policyMap></destinationPolicy>"


def _network(broker: Broker) -> Iterator[str]:
    again = "initialReconnectDelay=200&maxReconnectDelay=500&useExponentialBackOff=false"
    yield (
        f'<networkConnector name="pair" duplex="true" syncDurableSubs="true" '
        f'userName="admin" password="{broker.passwords["admin"]}" '
        f"uri={quoteattr(f'static:(tcp://127.0.0.1:{broker.partner})?{again}')}>"
    )
    # Both brokers make queues' messages of a virtual topic, so these alone are passed on.
    topic = _element("topic", physicalName="VirtualTopic.>")
    yield f"<excludedDestinations>{topic}</excludedDestinations></networkConnector>"


def _users(passwords: Mapping[str, str]) -> Iterator[str]:
    yield '<simpleAuthenticationPlugin anonymousAccessAllowed="false"><users>'
    for user, group in GROUPS.items():
        yield _element("authenticationUser", username=user, password=passwords[user], groups=group)
    yield "</users></simpleAuthenticationPlugin>"


def _rights() -> Iterator[str]:
    everyone = ",".join(GROUPS.values())
    yield "<authorizationPlugin><map><authorizationMap><authorizationEntries>"
    for sort in ("topic", "queue"):
        yield _right(sort, ">", "admins", "admins", "admins")
        for below in OPEN:
            yield _right(sort, below, "subs,admins", "pubs,admins", everyone)
    yield _right("topic", "VirtualTopic.>", "subs,admins", "pubs,admins", everyone)
    yield _right("queue", "Consumer.*.VirtualTopic.>", "subs,admins", "pubs,subs,admins", everyone)
    yield _right("topic", "ActiveMQ.Advisory.>", everyone, everyone, everyone)
    yield "</authorizationEntries></authorizationMap></map></authorizationPlugin>"


def _right(sort: str, below: str, read: str, write: str, admin: str) -> str:
    return _element("authorizationEntry", **{sort: below}, read=read, write=write, admin=admin)


def _connectors(broker: Broker) -> Iterator[str]:
    most = f"maximumConnections=200&wireFormat.maxFrameSize={LARGEST_FRAME}"
    yield _element(
        "transportConnector", name="stomp", uri=f"stomp+nio://127.0.0.1:{broker.stomp}?{most}"
    )
    protocols = "transport.enabledProtocols=TLSv1.2,TLSv1.3"
    wanted = "transport.wantClientAuth=true"  # none is needed, but one that is shown must be sound
    yield _element(
        "transportConnector",
        name="stomps",
        uri=f"stomp+nio+ssl://127.0.0.1:{broker.tls}?{most}&{protocols}&{wanted}",
    )
    if broker.openwire:
        yield _element(
            "transportConnector", name="openwire", uri=f"tcp://127.0.0.1:{broker.openwire}"
        )
