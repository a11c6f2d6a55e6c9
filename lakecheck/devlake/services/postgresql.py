"""PostgreSQL: Debian's, with a cluster of the lake's own."""

from __future__ import annotations

import functools
import re
import shutil
import signal
import subprocess
from pathlib import Path

from lakecheck.devlake import pki
from lakecheck.devlake.layout import make_data_folder, make_run_folder
from lakecheck.devlake.server import Listener, Server, Site
from lakecheck.devlake.service import Service, ServiceKind, make_password, plain_environment
from lakecheck.errors import LakecheckError

NEWEST = "15"  # of Debian 12
_STEP_WITHIN = 60.0  # s
_WHO = """\
local all all scram-sha-256
host all all 127.0.0.1/32 scram-sha-256
"""


@functools.cache
def folder_of_programs() -> Path:
    """Give the folder of initdb and postgres: Debian keeps them off the path."""
    on_path = shutil.which("postgres")
    if on_path:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    return found[-1] if found else Path(f"/usr/lib/postgresql/{NEWEST}/bin")


def version() -> str:
    """Give the version that is installed."""
    command = [str(folder_of_programs() / "postgres"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    match = re.search(r"\d+(\.\d+)+", said)
    return match.group() if match else "unknown"


def build(site: Site) -> Service:
    """Make the cluster with a user, a database, and a stranger who may nothing."""
    name = "postgresql"
    port = site.ports.take()
    passwords = {"lake": make_password(), "stranger": make_password()}
    cluster = make_data_folder(site.layout, site.account, name) / "data"
    run = make_run_folder(site.layout, site.account, name)
    _make_cluster(site, run, cluster, passwords)
    _configure(site, name, run, cluster, port)
    server = Server(
        name=name,
        rse="",
        program="postgresql",
        argv=(str(folder_of_programs() / "postgres"), "-D", str(cluster)),
        listeners=(Listener(port, ()),),
        folder=run,
        log=site.layout.log(name),
        output=site.layout.output(name),
        env=plain_environment(site),
        probe=f"postgresql://127.0.0.1:{port}",
        stop_within=5.0,
        stop_signal=signal.SIGINT,  # SIGTERM would wait until all clients have left
    )
    address = f"127.0.0.1:{port}/lake"
    return Service(
        name=name,
        version=version(),
        servers=(server,),
        settings={
            "url": f"postgresql://{address}",
            "user": "lake",
            "password": passwords["lake"],
            "stranger": passwords["stranger"],  # of a user who may nothing
            "ca": str(site.layout.ca / "ca-bundle.pem"),
        },
        variables={"POSTGRESQL_URL": f"postgresql://lake:{passwords['lake']}@{address}"},
    )


def _make_cluster(site: Site, run: Path, cluster: Path, passwords: dict[str, str]) -> None:
    given = run / "password"
    pki.write_private(given, passwords["lake"].encode(), site.account.owner)
    options = ["--username=lake", f"--pwfile={given}", "--auth=scram-sha-256", "--encoding=UTF8"]
    _step(site, run, ["initdb", f"--pgdata={cluster}", "--no-sync", "--no-instructions", *options])
    orders = (
        f"CREATE ROLE stranger LOGIN PASSWORD '{passwords['stranger']}';\nCREATE DATABASE lake;\n"
    )
    _step(site, run, ["postgres", "--single", "-D", str(cluster), "postgres"], orders)
    given.unlink()


def _configure(site: Site, name: str, run: Path, cluster: Path, port: int) -> None:
    certificate, key = site.layout.host(name)
    settings = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": run,
        "ssl": "on",
        "ssl_cert_file": certificate,
        "ssl_key_file": key,
        # A lake outlives its processes, and never its machine.
        "fsync": "off",
        "full_page_writes": "off",
        "shared_buffers": "64MB",
        "max_connections": 50,
        "log_min_messages": "warning",
    }
    lines = "".join(f"{key} = '{value}'\n" for key, value in settings.items())
    with (cluster / "postgresql.conf").open("a") as file:
        file.write(lines)
    (cluster / "pg_hba.conf").write_text(_WHO)


def _step(site: Site, run: Path, command: list[str], orders: str = "") -> None:
    done = subprocess.run(
        [*site.account.prefix(), str(folder_of_programs() / command[0]), *command[1:]],
        env=plain_environment(site),
        cwd=run,
        input=orders,
        capture_output=True,
        text=True,
        timeout=_STEP_WITHIN,
        check=False,
    )
    if done.returncode:
        said = (done.stdout + done.stderr).strip().splitlines() or ["it says nothing"]
        raise LakecheckError(f"PostgreSQL's cluster cannot be made: {command[0]}: {said[-1]}")


KINDS = (
    ServiceKind(
        name="postgresql",
        title="PostgreSQL, one cluster with the database lake",
        programs={
            str(folder_of_programs() / program): f"postgresql-{NEWEST}"
            for program in ("postgres", "initdb")
        },
        ports=1,
        fetch=version,
        build=build,
    ),
)
