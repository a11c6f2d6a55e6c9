"""Kafka: one process that is broker and controller, from Maven's jars."""

from __future__ import annotations

import base64
import subprocess
import uuid
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from lakecheck.devlake import fetch, pki
from lakecheck.devlake.layout import make_data_folder, make_run_folder
from lakecheck.devlake.server import Listener, Server, Site
from lakecheck.devlake.service import (
    Service,
    ServiceKind,
    make_password,
    plain_environment,
)
from lakecheck.errors import LakecheckError

VERSION = "4.3.1"
_ARTIFACTS = (f"org.apache.kafka:kafka_2.13:{VERSION}", "org.slf4j:slf4j-simple:1.7.36")
_SHA256 = "9b241538730d32e890117f2362eee3ff6ed60f753d73e6a46652b547a64df32f"
_FORMAT_WITHIN = 60.0  # s
_LOGIN = "org.apache.kafka.common.security.plain.PlainLoginModule required"
_ALONE = (
    "offsets.topic.replication.factor",
    "offsets.topic.num.partitions",
    "transaction.state.log.replication.factor",
    "transaction.state.log.min.isr",
    "transaction.state.log.num.partitions",
    "share.coordinator.state.topic.replication.factor",
    "share.coordinator.state.topic.min.isr",
)


def jars() -> Path:
    """Give the folder of the jars, fetched when they are needed first."""
    return fetch.jars(f"kafka-{VERSION}", _ARTIFACTS, _SHA256)


def build(site: Site) -> Service:
    """Write the configuration and format the folder of the log."""
    name = "kafka"
    plain, secure, control = (site.ports.take() for _ in range(3))
    folder = make_data_folder(site.layout, site.account, name)
    run = make_run_folder(site.layout, site.account, name)
    passwords = {"lake": make_password(), "stranger": make_password()}
    config = site.layout.home / "cfg" / f"{name}.properties"
    settings = {
        **_listening(plain, secure, control),
        **_secured(_keystore(site, name), passwords),
        **_sized(folder / "data"),
    }
    text = "".join(f"{key}={value}\n" for key, value in settings.items())
    pki.write_private(config, text.encode(), site.account.owner)
    server = Server(
        name=name,
        rse="",
        program="kafka",
        argv=(*_java(run), "kafka.Kafka", str(config)),
        listeners=(Listener(plain, ()), Listener(secure, ())),
        folder=run,
        log=site.layout.log(name),
        output=site.layout.output(name),
        env=plain_environment(site),
        probe=f"kafka://127.0.0.1:{plain}",
        stop_within=5.0,
    )
    _format(site, server, config)
    return Service(
        name=name,
        version=VERSION,
        servers=(server,),
        settings={
            "url": f"127.0.0.1:{plain}",
            "secure": f"127.0.0.1:{secure}",
            "user": "lake",
            "password": passwords["lake"],
            "stranger": passwords["stranger"],  # of a user who may nothing
            "ca": str(site.layout.ca / "ca-bundle.pem"),
        },
        variables={"KAFKA_BROKERS": f"127.0.0.1:{plain}"},
    )


def _java(run: Path) -> tuple[str, ...]:
    return (
        "java",
        "-Xmx384m",
        "-Xms64m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "-XX:+ExitOnOutOfMemoryError",
        f"-Djava.io.tmpdir={run}",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-cp",
        f"{jars()}/*",
    )


def _listening(plain: int, secure: int, control: int) -> dict[str, object]:
    clients = f"PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{secure}"
    return {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@127.0.0.1:{control}",
        "listeners": f"{clients},CONTROLLER://127.0.0.1:{control}",
        "advertised.listeners": clients,
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL"
        ),
    }


def _keystore(site: Site, name: str) -> Path:
    # Java takes certificate and key from one file, and the key in PKCS#8 only.
    certificate, key = site.layout.host(name)
    private = load_pem_private_key(key.read_bytes(), None)
    pkcs8 = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    keystore = key.with_name("keystore.pem")
    pki.write_private(keystore, pkcs8 + certificate.read_bytes(), site.account.owner)
    return keystore


def _secured(keystore: Path, passwords: dict[str, str]) -> dict[str, object]:
    users = " ".join(f'user_{user}="{password}"' for user, password in passwords.items())
    return {
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": keystore,
        "sasl.enabled.mechanisms": "PLAIN",
        "listener.name.sasl_ssl.plain.sasl.jaas.config": f"{_LOGIN} {users};",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:lake;User:ANONYMOUS",
    }


def _sized(data: Path) -> dict[str, object]:
    return {
        "log.dirs": data,
        "num.partitions": 3,
        "auto.create.topics.enable": "false",
        **dict.fromkeys(_ALONE, 1),
        "group.initial.rebalance.delay.ms": 0,
        # With the default of 9 s, a broker that was killed is away for 12 s.
        "broker.session.timeout.ms": 1500,
        "broker.heartbeat.interval.ms": 500,
        "log.segment.bytes": 64 * 2**20,
        "log.cleaner.dedupe.buffer.size": 2 * 2**20,
    }


def _format(site: Site, server: Server, config: Path) -> None:
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
    tool = ("kafka.tools.StorageTool", "format", f"--cluster-id={cluster}")
    done = subprocess.run(
        [*site.account.prefix(), *_java(server.folder), *tool, "-c", str(config)],
        env=dict(server.env),
        cwd=server.folder,
        capture_output=True,
        text=True,
        timeout=_FORMAT_WITHIN,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines() or ["it says nothing"]
        raise LakecheckError(f"Kafka cannot format its folder: {said[-1]}")


KINDS = (
    ServiceKind(
        name="kafka",
        title="Kafka, one broker",
        programs={"java": "openjdk-17-jre-headless", "mvn": "maven"},
        ports=3,
        fetch=jars,
        build=build,
    ),
)
