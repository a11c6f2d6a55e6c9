"""ActiveMQ Classic: one broker, or a pair that passes messages on to each other."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)
from msgspec import Struct

from lakecheck.devlake.fetch import jars
from lakecheck.devlake.layout import make_data_folder
from lakecheck.devlake.pki import write_private
from lakecheck.devlake.server import Listener, Server, Site
from lakecheck.devlake.service import (
    Service,
    ServiceKind,
    make_password,
    plain_environment,
)
from lakecheck.devlake.services.activemq_config import GROUPS, LARGEST_FRAME, Broker, configuration

VERSION = "6.3.1"
PROGRAMS = {"java": "openjdk-17-jre-headless", "mvn": "maven"}
_PARTS = ("broker", "kahadb-store", "jaas", "stomp", "spring", "console")
_ARTIFACTS = (
    *(f"org.apache.activemq:activemq-{part}:{VERSION}" for part in _PARTS),
    "org.springframework:spring-context:6.2.19",
    "org.slf4j:slf4j-simple:2.0.17",
)
_SHA256 = "1b0ba033febdacd1690710c145d9748dbdc22de8d369fd2e25ddd7809fc34d04"
# Spring has a logging of its own, with which this one clashes.
_LEFT_OUT = ("commons-logging-1.0.3.jar",)
_LOGGING = {
    "defaultLogLevel": "info",
    "showDateTime": "true",
    "dateTimeFormat": "yyyy-MM-dd'T'HH:mm:ss.SSS",
    "showThreadName": "false",
}


class _Made(Struct, frozen=True):
    """One broker with its server and its clients' addresses."""

    server: Server
    url: str
    tls: str


def _jars() -> Path:
    return jars(f"activemq-{VERSION}", _ARTIFACTS, _SHA256, _LEFT_OUT)


def _argv(config: Path, scratch: Path) -> tuple[str, ...]:
    return (
        "java",
        "-Xmx384m",
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",
        "-XX:TieredStopAtLevel=1",  # ready in half the time
        # A broker without memory lives on and answers nobody; dead, it is started again.
        "-XX:+ExitOnOutOfMemoryError",
        f"-Djava.io.tmpdir={scratch}",
        f"-XX:ErrorFile={scratch}/java-error.log",
        *(f"-Dorg.slf4j.simpleLogger.{name}={value}" for name, value in _LOGGING.items()),
        "-cp",
        f"{_jars()}/*",
        "org.apache.activemq.console.command.ShellCommand",
        "start",
        f"xbean:file:{config}",
    )


def _key_store(site: Site, name: str, password: str) -> Path:
    """Write key and certificate as Java wants them."""
    certificate, private = site.layout.host(name)
    key = load_pem_private_key(private.read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    stored = pkcs12.serialize_key_and_certificates(
        b"host",
        key,
        x509.load_pem_x509_certificate(certificate.read_bytes()),
        None,
        BestAvailableEncryption(password.encode()),
    )
    path = private.with_name("host.p12")
    write_private(path, stored, site.account.owner)
    return path


def _trust_store(site: Site, beside: Path, password: str) -> Path:
    """Write the lake's authority as Java wants it."""
    authority = x509.load_pem_x509_certificate((site.layout.ca / "ca-bundle.pem").read_bytes())
    stored = pkcs12.serialize_java_truststore(
        [pkcs12.PKCS12Certificate(authority, b"authority")],
        BestAvailableEncryption(password.encode()),
    )
    path = beside.with_name("authority.p12")
    write_private(path, stored, site.account.owner)
    return path


def _made(site: Site, broker: Broker) -> _Made:
    name, log = broker.name, site.layout.log(broker.name)
    scratch = broker.data / "tmp"
    scratch.mkdir(exist_ok=True)
    site.account.own(scratch)
    config = broker.data / "activemq.xml"
    write_private(config, configuration(broker).encode(), site.account.owner)
    address, password = f"127.0.0.1:{broker.stomp}", broker.passwords["admin"]
    server = Server(
        name=name,
        rse="",
        program="activemq",
        argv=_argv(config, scratch),
        listeners=tuple(Listener(port, ()) for port in broker.ports),
        folder=broker.data,
        log=log,
        output=log,
        env=plain_environment(site),
        probe=f"stomp://admin:{password}@{address}",
        stop_within=10,
    )
    return _Made(server, f"stomp://{address}", f"stomp+ssl://127.0.0.1:{broker.tls}")


def _service(site: Site, name: str, names: tuple[str, ...]) -> Service:
    secret = make_password()
    store = _key_store(site, name, secret)
    trusted = _trust_store(site, store, secret)
    ca = str(site.layout.ca / "ca-bundle.pem")
    passwords = {user: make_password() for user in GROUPS}
    made: list[_Made] = []
    partner = 0
    for number, each in enumerate(names):
        broker = Broker(
            name=each,
            data=make_data_folder(site.layout, site.account, each),
            stomp=site.ports.take(),
            tls=site.ports.take(),
            passwords=passwords,
            key_store=store,
            key_store_password=secret,
            trust_store=trusted,
            openwire=site.ports.take() if number < len(names) - 1 else 0,
            partner=partner,
        )
        partner = broker.openwire
        made.append(_made(site, broker))
    urls, tls = [each.url for each in made], [each.tls for each in made]
    settings = {
        "url": urls[0],
        "urls": urls,
        "tls": tls[0],
        "tls_urls": tls,
        "ca": ca,
        "user": "pub",
        "password": passwords["pub"],
        "users": passwords,
        "largest_frame": LARGEST_FRAME,
    }
    prefix = name.upper().replace("-", "_")
    variables = {
        f"{prefix}_URL": urls[0],
        f"{prefix}_TLS_URL": tls[0],
        f"{prefix}_CA": ca,
        f"{prefix}_USER": "pub",
        f"{prefix}_PASSWORD": passwords["pub"],
        f"{prefix}_SUB_USER": "sub",
        f"{prefix}_SUB_PASSWORD": passwords["sub"],
    }
    if len(urls) > 1:
        variables |= {f"{prefix}_URL_{n}": url for n, url in enumerate(urls, 1)}
    return Service(name, VERSION, tuple(each.server for each in made), settings, variables)


KINDS = (
    ServiceKind(
        name="activemq",
        title="ActiveMQ Classic, with STOMP",
        programs=PROGRAMS,
        ports=2,
        fetch=_jars,
        build=lambda site: _service(site, "activemq", ("activemq",)),
    ),
    ServiceKind(
        name="activemq-pair",
        title="Two ActiveMQ brokers that pass messages on to each other",
        programs=PROGRAMS,
        ports=5,
        fetch=_jars,
        build=lambda site: _service(site, "activemq-pair", ("activemq-pair-1", "activemq-pair-2")),
    ),
)
