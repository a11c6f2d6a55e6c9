"""The transfer service: a stand-in for FTS3, of this package, that copies for real."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from lakecheck import __version__
from lakecheck.devlake.fts import faults
from lakecheck.devlake.fts.config import Config
from lakecheck.devlake.pki import write_private
from lakecheck.devlake.server import Listener, Server, Site
from lakecheck.devlake.service import Service, ServiceKind, make_password
from lakecheck.errors import LakecheckError

NAME = "fts"
TOKEN_SUBJECT = "lake"


def check() -> None:
    """Say what is missing; raises LakecheckError."""
    if importlib.util.find_spec("gfal2") is None:
        raise LakecheckError(
            "the lake's transfer service copies with gfal2, which is not installed for this "
            "Python; on Debian: apt-get install python3-gfal2 and its plug-ins, then link its one "
            ".so file into this environment, as ci/install does"
        )


def build(site: Site) -> Service:
    """Write the configuration, and make the token that it accepts."""
    config = _configuration(site)
    path = site.layout.home / "cfg" / "fts.json"
    write_private(path, msgspec.json.encode(config), None)
    url, plain = f"https://127.0.0.1:{config.https}", f"http://127.0.0.1:{config.plain}"
    ca = str(site.layout.ca / "ca-bundle.pem")

    def misbehave(words: str, rses: Mapping[str, Sequence[str]]) -> None:
        faults.write(Path(config.fault), words, rses)

    return Service(
        name=NAME,
        version=__version__,
        servers=(_server(site, path, config),),
        settings={
            "url": url,
            "plain": plain,
            "ca": ca,
            "token": next(iter(config.tokens)),
            "control": config.control,
        },
        # Nobody's lake takes anybody, and there nobody has anything to delegate.
        entry={"kind": NAME, "url": url, "credential": "lake", "ca": ca, "logs": plain}
        if site.gsi
        else {"kind": NAME, "url": plain, "logs": plain},
        variables={"FTS_URL": url, "FTS_PLAIN_URL": plain, "FTS_CA": ca},
        misbehave=misbehave,
    )


def _configuration(site: Site) -> Config:
    folder, logs = site.layout.home / "data" / NAME, site.layout.home / "log" / "transfers"
    for path in (folder, folder / "credentials", logs):
        path.mkdir(mode=0o700)
    certificate, key = site.layout.host(NAME)
    return Config(
        https=site.ports.take(),
        plain=site.ports.take(),
        certificate=str(certificate),
        key=str(key),
        ca=str(site.layout.ca),
        database=str(folder / "fts.sqlite"),
        logs=str(logs),
        credentials=str(folder / "credentials"),
        fault=str(folder / "fault"),
        control=make_password(),
        tokens={make_password(): TOKEN_SUBJECT},
        proxy=str(site.layout.proxy),
        gsi=site.gsi,
    )


def _server(site: Site, path: Path, config: Config) -> Server:
    log = site.layout.log(NAME)
    return Server(
        name=NAME,
        rse="",
        program=NAME,
        argv=(sys.executable, "-P", "-m", "lakecheck.devlake.fts", str(path)),
        listeners=(Listener(config.https, ()), Listener(config.plain, ())),
        folder=site.layout.run,
        log=log,
        output=log,
        # Our own program, with our Python, wherever that lies and whatever it needs.
        env={**os.environ, "TMPDIR": str(site.layout.run / "tmp"), "LC_ALL": "C"},
        own=True,
        probe=f"http://127.0.0.1:{config.plain}/lake/fault",
        stop_within=3.0,
    )


KINDS = (
    ServiceKind(
        name=NAME,
        title="A stand-in for FTS3 that copies for real",
        programs={},
        ports=2,
        fetch=check,
        build=build,
    ),
)
