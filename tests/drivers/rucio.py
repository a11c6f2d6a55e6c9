"""A real Rucio, as a spec names one."""

from __future__ import annotations

from typing import Any

from lakecheck.devlake import Lake
from lakecheck.drivers.rucio import Options
from lakecheck.model import Credential, Secret, ServiceChoice


def service(lake: Lake, url: str = "", ca: str = "", **options: Any) -> ServiceChoice:
    told = lake.services["rucio"]
    return ServiceChoice("rucio", "rucio", Options(**options), url=url or told["url"], ca=ca)


def user(lake: Lake, name: str = "root", password: str = "") -> Credential:
    told = lake.services["rucio"]
    known = told["password"] if name == "lake" else told["root"]["password"]
    return Credential("robot", "userpass", username=name, password=Secret(password or known))
