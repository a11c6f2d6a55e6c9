"""Rucio's configuration files, and the plan by which it gets to know the lake."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lakecheck.devlake.inventory_file import attributes_of
from lakecheck.devlake.server import Storage

FOLDER = "rucio"  # below an endpoint's prefix, beside the files of lakecheck's own tests
SCOPE = "testing"
# What Rucio calls each scheme's implementation; the order is that in which it prefers them.
_PROTOCOLS = {
    "davs": "rucio.rse.protocols.gfal.Default",
    "root": "rucio.rse.protocols.gfal.Default",
}
_NEAR = ("read", "write", "delete")
_FAR = (*_NEAR, "third_party_copy_read", "third_party_copy_write")
_POLICY = {"permission": "generic", "schema": "generic", "lfn2pfn_algorithm_default": "hash"}
# In seconds: a transfer service that hangs shall not hold up the conveyor for ever.
_PATIENCE = {"submit_timeout": 10, "poll_timeout": 10}
_ALEMBIC = """\
[alembic]
script_location = {scripts}
sqlalchemy.url = {database}
[loggers]
keys = root
[handlers]
keys = console
[formatters]
keys = generic
[logger_root]
level = WARN
handlers = console
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = generic
[formatter_generic]
format = %(levelname)s %(message)s
"""


def server(folder: Path, database: Path, packages: Path, **sections: Mapping[str, object]) -> str:
    """Write alembic.ini into a folder and give what rucio.cfg of a server says."""
    # Others may hold the database for as long as one transaction takes, however busy the machine.
    url = f"sqlite:///{database}?timeout=60"
    alembic = folder / "alembic.ini"
    scripts = packages / "rucio" / "db" / "sqla" / "migrate_repo"
    alembic.write_text(_ALEMBIC.format(scripts=scripts, database=url))
    alembic.chmod(0o644)
    return _ini(
        {
            "common": {"logdir": folder, "loglevel": "WARNING"},
            "database": {"default": url, "pool_size": 20},
            "alembic": {"cfg": alembic},
            "policy": _POLICY,
            "conveyor": {"scheme": ",".join(_PROTOCOLS), "transfertool": "fts3", **_PATIENCE},
            "deletion": {"timeout": 10},  # s; a storage that hangs holds up the reaper
            "necromancer": {"cache_time": 1},  # s, in place of ten minutes
            "transfers": {"multihop_rse_expression": ""},  # all are neighbours
            **sections,
        }
    )


def client(url: str, account: str, password: str, token: Path, proxy: Path) -> str:
    """Give what a client's rucio.cfg says."""
    return _ini(
        {
            "client": {
                "rucio_host": url,
                "auth_host": url,
                "auth_type": "userpass",
                "account": account,
                "username": account,
                "password": password,
                # The default is one for all servers, and each refuses the others' tokens.
                "auth_token_file_path": token,
                "client_x509_proxy": proxy,
            },
            "policy": _POLICY,
        }
    )


def _ini(sections: Mapping[str, Mapping[str, object]]) -> str:
    return "\n".join(
        f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in options.items())
        for name, options in sections.items()
    )


def plan(storages: tuple[Storage, ...], passwords: Mapping[str, str], fts: str) -> bytes:
    """Give what inside/registration.py shall register."""
    rses = {
        storage.name: _rse(storage, number, fts)
        for number, storage in enumerate(storages)
        if serves(storage)
    }
    told = {
        "accounts": passwords,
        "scopes": {SCOPE: "lake", **{f"user.{name}": name for name in passwords}},
        "rses": rses,
        "limits": {"root": -1, "lake": 10**12},
    }
    return json.dumps(told).encode()


def serves(storage: Storage) -> bool:
    """Say whether Rucio can replicate to and from a storage: third-party copies need a partner."""
    return bool(storage.tpc) and bool(_PROTOCOLS.keys() & storage.endpoints.keys())


def _rse(storage: Storage, number: int, fts: str) -> dict[str, Any]:
    attributes = {**attributes_of(storage, number), "fts": fts, "greedyDeletion": True}
    usable = [scheme for scheme in _PROTOCOLS if scheme in storage.endpoints]
    return {
        "country": attributes["country"],
        "attributes": attributes,
        "protocols": [
            _protocol(scheme, storage.endpoints[scheme], priority)
            for priority, scheme in enumerate(usable, 1)
        ],
    }


def _protocol(scheme: str, endpoint: str, priority: int) -> dict[str, Any]:
    url = urlsplit(endpoint)
    return {
        "scheme": scheme,
        "hostname": url.hostname,
        "port": url.port,
        "prefix": f"{url.path}/{FOLDER}/",
        "impl": _PROTOCOLS[scheme],
        "domains": {
            "lan": dict.fromkeys(_NEAR, priority),
            "wan": dict.fromkeys(_FAR, priority),
        },
        "extended_attributes": None,
    }
