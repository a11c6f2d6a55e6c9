"""Rucio: its REST server and its daemons, on SQLite, with the lake's storages registered."""

from __future__ import annotations

import shutil
from pathlib import Path

from lakecheck.devlake import pki
from lakecheck.devlake.layout import make_data_folder, make_run_folder
from lakecheck.devlake.rucio import configuration, environment
from lakecheck.devlake.server import Listener, Server, Site
from lakecheck.devlake.service import Service, ServiceKind, make_password, plain_environment

NAME, DAEMONS = "rucio", "rucio-daemons"
THREADS = 16
START_WITHIN = 120.0  # s; 3 on a machine with nothing else to do, most of it for imports
_XROOTD = {
    "XRD_CONNECTIONWINDOW": "5",
    "XRD_CONNECTIONRETRY": "1",
    "XRD_REQUESTTIMEOUT": "10",
    "XRD_STREAMTIMEOUT": "10",
}


def build(site: Site) -> Service:
    """Write configuration and plan, copy the empty database and what runs inside Rucio."""
    port = site.ports.take()
    passwords = {"root": make_password(), "lake": make_password()}
    url = f"http://127.0.0.1:{port}"
    python = str(environment.python_of(environment.fetched()))
    clients = {
        account: _write_client(site, url, account, password)
        for account, password in passwords.items()
    }
    return Service(
        name=NAME,
        version=environment.VERSION,
        servers=_servers(site, python, port, _write_plan(site, passwords)),
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
        entry={"kind": NAME, "url": url, "account": "lake", "credential": "lake-user"},
        credentials={
            "lake-user": {"userpass": {"username": "lake", "password": passwords["lake"]}}
        },
        variables={"RUCIO_CONFIG": str(clients["lake"]), "RUCIO_URL": url},
    )


def _servers(site: Site, python: str, port: int, plan: Path) -> tuple[Server, Server]:
    run = make_run_folder(site.layout, site.account, NAME)
    variables = _write_files(site, environment.fetched(), run)
    web = Server(
        name=NAME,
        rse="",
        program=NAME,
        argv=(python, "-m", "gunicorn", *_gunicorn(site, run, port), "inside.web:application"),
        listeners=(Listener(port, ()),),
        folder=run,
        log=site.layout.log(NAME),
        output=site.layout.output(NAME),
        env=variables,
        probe=f"http://127.0.0.1:{port}/ping",
        start_within=START_WITHIN,
    )
    registered = str(run / "registered.sock")
    daemons = Server(
        name=DAEMONS,
        rse="",
        program=NAME,
        argv=(python, "-m", "inside.daemons", str(plan), registered),
        listeners=(),
        folder=run,
        log=site.layout.log(DAEMONS),
        output=site.layout.output(DAEMONS),
        env=variables,
        socket=registered,
        start_within=START_WITHIN,
    )
    return web, daemons


def _write_plan(site: Site, passwords: dict[str, str]) -> Path:
    path = site.layout.home / "cfg" / "rucio-plan.json"
    fts = str(site.services["fts"].settings["plain"])
    text = configuration.plan(site.storages, passwords, fts)
    pki.write_private(path, text, site.account.owner)
    return path


def _gunicorn(site: Site, run: Path, port: int) -> list[str]:
    settings = {
        "--config": _inside(site) / "gunicorn.py",
        "--bind": f"127.0.0.1:{port}",
        "--workers": 1,
        "--threads": THREADS,
        "--worker-tmp-dir": run,
        "--error-logfile": site.layout.log(NAME),
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
    database = make_data_folder(site.layout, site.account, NAME) / "data" / "rucio.db"
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
    path = site.layout.ca.parent / NAME / "proxy.pem"
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
        name=NAME,
        title="Rucio with its daemons, which know the lake's storages",
        programs={},
        ports=1,
        fetch=environment.fetched,
        build=build,
        needs=("fts",),
    ),
)
