"""RabbitMQ: Debian's, beside an epmd of its own, so that nothing is left running."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from lakecheck.devlake import pki
from lakecheck.devlake.layout import make_data_folder, make_run_folder
from lakecheck.devlake.server import Listener, Server, Site
from lakecheck.devlake.service import Service, ServiceKind, make_password, plain_environment

PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
EPMD = "rabbitmq-epmd"


def version() -> str:
    """Give the version that is installed; Debian names it in a folder only."""
    releases = Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*")
    return max((path.name.partition("-")[2] for path in releases), default="unknown")


def build(site: Site) -> Service:
    """Write the configuration, the users and the cookie."""
    name = "rabbitmq"
    plain, secure, epmd, distribution = (site.ports.take() for _ in range(4))
    passwords = {"lake": make_password(), "stranger": make_password()}
    folder = make_data_folder(site.layout, site.account, name)
    run = make_run_folder(site.layout, site.account, name)
    names = {
        **plain_environment(site),
        "HOME": str(run),  # where the cookie is looked for
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": str(epmd),
        # Erlang starts an epmd wherever it finds none, and that would outlive the lake.
        "ERL_AFLAGS": "-start_epmd false",
    }
    _write_files(site, run, folder, plain, secure, passwords)
    mapper = Server(
        name=EPMD,
        rse="",
        program="epmd",
        argv=("epmd",),
        listeners=(Listener(epmd, ()),),
        folder=run,
        log=site.layout.log(EPMD),
        output=site.layout.output(EPMD),
        env=names,
        probe=f"epmd://127.0.0.1:{epmd}",
    )
    broker = Server(
        name=name,
        rse="",
        program="rabbitmq",
        argv=(PROGRAM,),
        listeners=(Listener(plain, ()), Listener(secure, ())),
        folder=run,
        log=site.layout.log(name),
        output=site.layout.output(name),
        env={**names, **_environment(site, run, folder, distribution)},
        probe=f"amqp://127.0.0.1:{plain}",
        stop_within=6.0,
        after=EPMD,
    )
    user = f"lake:{passwords['lake']}"
    return Service(
        name=name,
        version=version(),
        servers=(broker, mapper),
        settings={
            "url": f"amqp://127.0.0.1:{plain}",
            "secure": f"amqps://127.0.0.1:{secure}",
            "user": "lake",
            "password": passwords["lake"],
            "stranger": passwords["stranger"],  # of a user who may nothing
            "ca": str(site.layout.ca / "ca-bundle.pem"),
        },
        variables={"AMQP_URL": f"amqp://{user}@127.0.0.1:{plain}/%2F"},
    )


def _environment(site: Site, run: Path, folder: Path, distribution: int) -> dict[str, str]:
    config = site.layout.home / "cfg"
    return {
        "RABBITMQ_NODENAME": "lake@localhost",
        "RABBITMQ_DIST_PORT": str(distribution),
        "RABBITMQ_CONFIG_FILE": str(config / "rabbitmq.conf"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",  # not the machine's
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(config / "rabbitmq-plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_PID_FILE": str(run / "pid"),
        "RABBITMQ_LOG_BASE": str(site.layout.home / "log"),
        "RABBITMQ_LOGS": str(site.layout.log("rabbitmq")),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        # Then the script becomes the server instead of waiting for it.
        "detached": "no",
    }


def _write_files(
    site: Site, run: Path, folder: Path, plain: int, secure: int, passwords: dict[str, str]
) -> None:
    owner = site.account.owner
    pki.write_private(run / ".erlang.cookie", secrets.token_hex(16).encode(), owner)
    config = site.layout.home / "cfg"
    (config / "rabbitmq-plugins").write_text("[].\n")
    (config / "rabbitmq-plugins").chmod(0o644)
    definitions = config / "rabbitmq-users.json"
    pki.write_private(definitions, json.dumps(_users(passwords)).encode(), owner)
    certificate, key = site.layout.host("rabbitmq")
    settings = {
        "listeners.tcp.1": f"127.0.0.1:{plain}",
        "listeners.ssl.1": f"127.0.0.1:{secure}",
        "ssl_options.cacertfile": site.layout.ca / "ca-bundle.pem",
        "ssl_options.certfile": certificate,
        "ssl_options.keyfile": key,
        "ssl_options.verify": "verify_none",
        "load_definitions": definitions,
        "log.file.level": "warning",
        "log.connection.level": "error",  # whoever looks whether it answers is no news
        "log.console": "false",
        # A lake on a machine that is full or busy shall take messages nevertheless.
        "vm_memory_high_watermark.absolute": "1GB",
        "disk_free_limit.absolute": "100MB",
    }
    text = "".join(f"{name} = {value}\n" for name, value in settings.items())
    pki.write_private(config / "rabbitmq.conf", text.encode(), owner)


def _users(passwords: dict[str, str]) -> dict[str, object]:
    return {
        "users": [
            {"name": user, "password": password, "tags": ""} for user, password in passwords.items()
        ],
        "vhosts": [{"name": "/"}],
        "permissions": [
            {"user": "lake", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"},
            {"user": "stranger", "vhost": "/", "configure": "", "write": "", "read": ""},
        ],
    }


KINDS = (
    ServiceKind(
        name="rabbitmq",
        title="RabbitMQ, one broker",
        programs={PROGRAM: "rabbitmq-server", "epmd": "erlang-base"},
        ports=4,
        fetch=version,
        build=build,
    ),
)
