"""Rucio: its REST server and its daemons, on SQLite, with the lake's storages registered."""

from __future__ import annotations

import shutil
from pathlib import Path

from lakecheck.devlake import pki
from lakecheck.devlake.layout import make_data_folder, make_run_folder
from lakecheck.devlake.rucio import configuration, environment
from lakecheck.devlake.server import Listener, Server, Site
from lakecheck.devlake.service import Service, ServiceKind, make_password, plain_environment

DAEMONS = "rucio-daemons"
THREADS = 16
_XROOTD = {
    "XRD_CONNECTIONWINDOW": "5",
    "XRD_CONNECTIONRETRY": "1",
    "XRD_REQUESTTIMEOUT": "10",
    "XRD_STREAMTIMEOUT": "10",
}


def build(site: Site) -> Service:
    """Write configuration and plan, copy the empty database and what runs inside Rucio."""
    name, port = "rucio", site.ports.take()
    fetched = environment.fetched()
    run = make_run_folder(site.layout, site.account, name)
    passwords = {"root": make_password(), "lake": make_password()}
    url = f"http://127.0.0.1:{port}"
    variables = _write_files(site, fetched, run)
    plan = site.layout.home / "cfg" / "rucio-plan.json"
    fts = str(site.services["fts"].settings["plain"])
    pki.write_private(plan, configuration.plan(site.storages, passwords, fts), site.account.owner)
    python = str(environment.python_of(fetched))
    web = Server(
        name=name,
        rse="",
        program="rucio",
        argv=(python, "-m", "gunicorn", *_gunicorn(site, run, port), "inside.web:application"),
        listeners=(Listener(port, ()),),
        folder=run,
        log=site.layout.log(name),
        output=site.layout.output(name),
        env=variables,
        probe=f"{url}/ping",
    )
    socket = str(run / "registered.sock")
    daemons = Server(
        name=DAEMONS,
        rse="",
        program="rucio",
        argv=(python, "-m", "inside.daemons", str(plan), socket),
        listeners=(),
        folder=run,
        log=site.layout.log(DAEMONS),
        output=site.layout.output(DAEMONS),
        env=variables,
        socket=socket,
    )
    clients = {
        account: _write_client(site, url, account, password)
        for account, password in passwords.items()
    }
    return Service(
        name=name,
        version=environment.VERSION,
        servers=(web, daemons),
        settings={
            "url": url,
            "auth": url,
            "account": "lake",
            "user": "lake",
            "password": passwords["lake"],
            "client": str(clients["lake"]),
            "scope": configuration.SCOPE,
            "root": {"password": passwords["root"], "client": str(clients["root"])},
            "python": python,
        },
        entry={"kind": name, "url": url, "account": "lake", "credential": "lake-user"},
        credentials={
            "lake-user": {"userpass": {"username": "lake", "password": passwords["lake"]}}
        },
        variables={"RUCIO_CONFIG": str(clients["lake"]), "RUCIO_URL": url},
    )


def _gunicorn(site: Site, run: Path, port: int) -> list[str]:
    settings = {
        "--config": _inside(site) / "gunicorn.py",
        "--bind": f"127.0.0.1:{port}",
        "--workers": 1,
        "--threads": THREADS,
        "--worker-tmp-dir": run,
        "--error-logfile": site.layout.log("rucio"),
        "--log-level": "warning",
        "--graceful-timeout": 1,
    }
    return [str(part) for option in settings.items() for part in option]


def _inside(site: Site) -> Path:
    return site.layout.run / "lib" / "rucio" / "inside"


def _write_files(site: Site, fetched: Path, run: Path) -> dict[str, str]:
    """Write what both servers read, and give their environment."""
    # The package may lie in a home that the servers' account cannot enter.
    shutil.copytree(environment.INSIDE, _inside(site), ignore=shutil.ignore_patterns("__pycache__"))
    database = make_data_folder(site.layout, site.account, "rucio") / "data" / "rucio.db"
    shutil.copy(fetched / environment.EMPTY, database)
    site.account.own(database)
    database.chmod(0o600)
    config = site.layout.home / "cfg" / "rucio.cfg"
    config.write_text(
        configuration.server(config.parent, database, environment.packages_of(fetched))
    )
    config.chmod(0o644)
    return {
        **plain_environment(site),
        **_XROOTD,
        "HOME": str(run),
        "RUCIO_CONFIG": str(config),
        "RUCIO_POLICY_PACKAGE": "inside",
        "PYTHONPATH": str(_inside(site).parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "X509_CERT_DIR": str(site.layout.ca),
        "X509_USER_PROXY": str(_proxy(site)),
        "REQUESTS_CA_BUNDLE": str(site.layout.ca / "ca-bundle.pem"),
    }


def _proxy(site: Site) -> Path:
    """Give the daemons a copy of the lake's proxy, since a proxy is read by its owner only."""
    path = site.layout.ca.parent / "rucio" / "proxy.pem"
    pki.write_private(path, site.layout.proxy.read_bytes(), site.account.owner)
    return path


def _write_client(site: Site, url: str, account: str, password: str) -> Path:
    path = site.layout.home / "cfg" / f"rucio-client-{account}.cfg"
    token = site.layout.home / "cfg" / f"rucio-token-{account}"
    text = configuration.client(url, account, password, token, site.layout.proxy)
    pki.write_private(path, text.encode(), None)
    return path


KINDS = (
    ServiceKind(
        name="rucio",
        title="Rucio with its daemons, which know the lake's storages",
        programs={},
        ports=1,
        fetch=environment.fetched,
        build=build,
        needs=("fts",),
    ),
)
