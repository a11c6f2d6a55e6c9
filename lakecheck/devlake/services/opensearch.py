"""OpenSearch and Elasticsearch, each a cluster of one node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lakecheck.devlake.fetch import unpacked
from lakecheck.devlake.layout import make_data_folder
from lakecheck.devlake.server import Listener, Server, Site
from lakecheck.devlake.service import Service, ServiceKind, plain_environment
from lakecheck.devlake.services import opensearch_java as java
from lakecheck.devlake.services import opensearch_security as security

OPENSEARCH, SECURE, ELASTICSEARCH = "3.8.0", "2.19.4", "8.19.21"
JAVA = {"java": "openjdk-17-jre-headless"}
# Ready is who has opened what it can open; a red index of somebody's is no reason to start anew.
HEALTH = "_cluster/health?wait_for_events=languid&wait_for_no_initializing_shards=true&timeout=4s"
# Modules that need what the trimmed Java has not (locales), or a lake has not (databases).
LEFT_OUT = ("/modules/analysis-common/", "/modules/ingest-geoip/", "/modules/transport-grpc/")
_LOG = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%c{1.}] %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


def _left_out(member: str) -> bool:
    return member.endswith((".exe", ".bat")) or any(part in member for part in LEFT_OUT)


def _opensearch() -> Path:
    artifact = f"org.opensearch.distribution.integ-test-zip:opensearch:{OPENSEARCH}:zip"
    sha256 = "196c3cf4602c394f2e40e6174ccbf2a924eae37246f08fa6bbb6b75f9fd5ff1f"
    return unpacked(artifact, sha256, _left_out) / f"opensearch-{OPENSEARCH}"


def _secure() -> Path:
    artifact = f"org.opensearch.distribution.integ-test-zip:opensearch:{SECURE}:zip"
    sha256 = "3902e642715210d1d9d7cbdcc8f5abd6f931d1d7a679cea3750937becf16c406"
    home = f"opensearch-{SECURE}"
    plugin = (
        f"org.opensearch.plugin:opensearch-security:{SECURE}.0:zip",
        "1f673622c462c4171a8c53f9b1ad20e5b839834cb79b0d3b388da180a0e514e8",
    )
    inside = {f"{home}/plugins/opensearch-security": plugin}
    return unpacked(artifact, sha256, _left_out, inside) / home


def _elasticsearch() -> Path:
    artifact = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{ELASTICSEARCH}:zip"
    sha256 = "215d5f3dbf0609a149f6218a9e47b6ae2df34ebbff3c5754e35f15a5e5393c8a"
    return unpacked(artifact, sha256, _left_out) / f"elasticsearch-{ELASTICSEARCH}"


def _fetch_opensearch() -> None:
    _opensearch()
    java.java_21()


def _folders(site: Site, name: str) -> tuple[Path, Path]:
    """Make the folders of configuration and data, which the server writes too."""
    data = make_data_folder(site.layout, site.account, name)
    (data / "tmp").mkdir(exist_ok=True)
    config = site.layout.home / "cfg" / name
    config.mkdir()
    (config / "log4j2.properties").write_text(_LOG)
    site.account.own(data, tree=True)
    site.account.own(config, tree=True)
    return config, data


def _common(name: str, http: int, transport: int, data: Path) -> str:
    return (
        f"cluster.name: lakecheck-{http}\nnode.name: {name}\n"
        f"network.host: 127.0.0.1\nhttp.port: {http}\ntransport.port: {transport}\n"
        f"discovery.type: single-node\npath.data: {data}/data\npath.logs: {data}/logs\n"
        # The lake's disk is somebody's own, and perhaps nearly full.
        "cluster.routing.allocation.disk.threshold_enabled: false\n"
    )


def _server(
    site: Site, name: str, argv: tuple[str, ...], home: Path, env: dict[str, str], probe: str
) -> Server:
    port = int(probe.split("/")[2].rpartition(":")[2])
    log = site.layout.log(name)
    return Server(
        name=name,
        rse="",
        program=name,
        argv=argv,
        listeners=(Listener(port, ()),),
        folder=home,
        log=log,
        output=log,
        env={**plain_environment(site), **env},
        probe=probe,
        start_within=120,
        stop_within=10,
    )


def _build_opensearch(site: Site) -> Service:
    name, home, found = "opensearch", _opensearch(), java.java_21()
    http, transport = site.ports.take(), site.ports.take()
    config, data = _folders(site, name)
    (config / "opensearch.yml").write_text(_common(name, http, transport, data))
    url = f"http://127.0.0.1:{http}"
    more = (
        # Relative, as OpenSearch looks for its other parts from there.
        "-javaagent:agent/opensearch-agent.jar",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
    )
    argv = java.command(found, home, config, data, more)
    server = _server(site, name, argv, home, {}, f"{url}/{HEALTH}")
    return Service(name, OPENSEARCH, (server,), {"url": url}, {"OPENSEARCH_URL": url})


def _build_secure(site: Site) -> Service:
    name, home, found = "opensearch-secure", _secure(), java.java_17()
    http, transport = site.ports.take(), site.ports.take()
    config, data = _folders(site, name)
    users = security.write(site, home, config)
    text = _common(name, http, transport, data) + security.SETTINGS
    (config / "opensearch.yml").write_text(text)
    site.account.own(config, tree=True)
    url = f"https://127.0.0.1:{http}"
    more = ("-Djava.security.manager=allow",)
    argv = java.command(found, home, config, data, more)
    # Told to everybody, and "ready" only when users are known.
    server = _server(site, name, argv, home, {}, f"{url}/_plugins/_security/health?mode=strict")
    writer = users["writer"]
    settings: dict[str, Any] = {
        "url": url,
        "user": "writer",
        "password": writer,
        "ca": str(site.layout.ca / "ca-bundle.pem"),
        "users": users,
    }
    variables = {
        "OPENSEARCH_SECURE_URL": f"https://writer:{writer}@127.0.0.1:{http}",
        "OPENSEARCH_SECURE_USER": "writer",
        "OPENSEARCH_SECURE_PASSWORD": writer,
        "OPENSEARCH_SECURE_CA": settings["ca"],
    }
    return Service(name, SECURE, (server,), settings, variables)


def _build_elasticsearch(site: Site) -> Service:
    name, home, found = "elasticsearch", _elasticsearch(), java.java_17()
    http, transport = site.ports.take(), site.ports.take()
    config, data = _folders(site, name)
    (config / "elasticsearch.yml").write_text(
        _common(name, http, transport, data) + "xpack.security.enabled: false\n"
    )
    options = [
        *java.options(),
        f"-Djava.io.tmpdir={data}/tmp",
        f"-XX:ErrorFile={data}/java-error.log",
    ]
    (config / "jvm.options").write_text("\n".join(options) + "\n")
    site.account.own(config, tree=True)
    url = f"http://127.0.0.1:{http}"
    # Its program starts the server proper, which ends as soon as its standard input does.
    env = {"ES_JAVA_HOME": str(found), "ES_PATH_CONF": str(config), "ES_TMPDIR": f"{data}/tmp"}
    argv = (f"{home}/bin/elasticsearch",)
    server = _server(site, name, argv, home, env, f"{url}/{HEALTH}")
    return Service(name, ELASTICSEARCH, (server,), {"url": url}, {"ELASTICSEARCH_URL": url})


KINDS = (
    ServiceKind(
        name="opensearch",
        title="OpenSearch 3",
        programs={},
        ports=2,
        fetch=_fetch_opensearch,
        build=_build_opensearch,
    ),
    ServiceKind(
        name="opensearch-secure",
        title="OpenSearch 2 with TLS and passwords",
        programs=JAVA,
        ports=2,
        fetch=_secure,
        build=_build_secure,
    ),
    ServiceKind(
        name="elasticsearch",
        title="Elasticsearch 8",
        programs=JAVA,
        ports=2,
        fetch=_elasticsearch,
        build=_build_elasticsearch,
    ),
)
