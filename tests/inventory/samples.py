"""Catalogues as CRIC, Rucio and fts-analysis-datalake give them, with the oddities of real ones."""

from __future__ import annotations

import json
from typing import Any

BOTH = {"lan": {"read": 1}, "wan": {"read": 1}, "third_party_copy": {"read": 1, "write": 1}}
READ = {"lan": {"read": 1}, "wan": {"read": 1}, "third_party_copy": {"read": 1, "write": 0}}
NONE = {"lan": {}, "wan": {"read": 1}, "third_party_copy": {"read": 0, "write": 0}}


def protocol(scheme: str, host: str, port: int | None, prefix: str, domains: Any = None) -> Any:
    found: dict[str, Any] = {
        "name": f"{scheme}-{host}",
        "scheme": scheme,
        "hostname": host,
        "port": port,
        "prefix": prefix,
        "ext_attrs": {},
    }
    return found | ({} if domains is None else {"domains": domains})


def rse(name: str, *protocols: Any, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "rse_type": "DISK",
        "fts": "https://fts.example.org:8446",
        "impl": "x",
        "params": {},
        "space": 12345,
        "availability_read": True,
        "availability_write": True,
        "availability_delete": True,
        "country_name": "DE",
        "deterministic": True,
        "protocols": list(protocols),
        **more,
    }


def doma() -> dict[str, Any]:
    """CRIC's preset `doma`."""
    rses = [
        rse(
            "DESY-DCACHE",
            protocol("davs", "dcache.desy.de", 2880, "//pnfs/desy.de/escape", BOTH),
            protocol("root", "dcache.desy.de", 1094, "//pnfs/desy.de/escape", BOTH),
        ),
        rse(
            "CNAF-STORM",
            protocol("davs", "storm.cnaf.it", 8443, "escape/no/slash", READ),
            protocol("srm", "storm.cnaf.it", 8444, "/srm"),
            country_name="IT",
            qos_class="CHEAP",
        ),
        rse("PIC-INJECT", protocol("gsiftp", "pic.es", 2811, "/x/", NONE), country_name="ES"),
        rse(
            "EULAKE-1", protocol("root", "eulake.cern.ch", 1094, "//eos"), availability_write=False
        ),
        rse("EMPTY"),
        rse("ONLY-MOCK", protocol("mock", "m", 1, "/"), protocol("file", "", None, "/tmp")),
        rse("NO PORT?", protocol("davs", "h", 443, "/")),
        rse("PORTLESS", protocol("davs", "portless.org", 0, "/x")),
        rse("TAPE", protocol("davs", "tape.org", 443, "/t"), rse_type="TAPE", params={"tier": 1}),
        rse(
            "IPV6", protocol("davs", "2001:db8::7", 443, "/six"), params={"verify_checksum": False}
        ),
    ]
    distances = {"DESY-DCACHE": {"CNAF-STORM": {"distance": 1, "ranking": 1}}}
    return {"rses": {each["name"]: each for each in rses}, "distances": distances}


PLAIN: dict[str, Any] = {
    "DESY-DCACHE": {
        "verify_checksum": True,
        "protocols": {
            "davs": {"flavour": "davs", "endpoint": "dcache.desy.de:2880", "path": "//pnfs"},
            "x": {"flavour": "XROOTD", "endpoint": "root://dcache.desy.de:1094", "path": "//pnfs"},
        },
    },
    "LAPP-WEBDAV": {
        "verify_checksum": False,
        "protocols": {"w": {"flavour": "WEBDAV", "endpoint": "lapp.fr:8001", "path": "webdav"}},
    },
    "SURF-SRM": {"protocols": {"s": {"flavour": "SRMv2", "endpoint": "srm.nl:8443", "path": "/"}}},
    "NOTHING": {"verify_checksum": True, "protocols": {}},
}
FTS: dict[str, Any] = {
    "num_of_files": [4],
    "testing_folder": "fts-testing",
    "overwrite": False,
    "checksum": "both",
    "num_of_jobs": 1,
    "filesizes": [1, 10],
    "protocols": {
        "davs": ["dcache.desy.de:2880/pnfs", "lapp-esc02.in2p3.fr:8001/webdav", "127.0.0.1:1/a"],
        "root": ["dcache.desy.de:1094//pnfs", "127.0.0.1:2//a", "noport.org/x"],
        "gsiftp": [],
    },
    "metadata": {},
}


def export() -> dict[str, Any]:
    """What Rucio's export_data gives."""
    wan = {"read": 1, "third_party_copy_read": 1, "third_party_copy_write": None}
    found = rse(
        "DESY-DCACHE",
        protocol("davs", "dcache.desy.de", 2880, "//pnfs/desy.de/escape", {"lan": {}, "wan": wan}),
        attributes={"DESY-DCACHE": True, "country": "DE", "tier": 2, "big": 10**30, "a b": 1},
    )
    return {"rses": {"DESY-DCACHE": found, "EMPTY": rse("EMPTY")}, "distances": {}}


def encoded(catalogue: Any) -> bytes:
    return json.dumps(catalogue).encode()
