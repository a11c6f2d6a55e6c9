"""How a user reaches Rucio already: options, variables, and the rucio.cfg of its client."""

from __future__ import annotations

import os
from collections.abc import Mapping
from configparser import ConfigParser, Error
from pathlib import Path
from typing import Literal

from msgspec import Struct

from lakecheck.drivers.rucio import Options
from lakecheck.errors import UsageError
from lakecheck.model import Credential, Secret, ServiceChoice
from lakecheck.spec.catalogues import SERVER, Source

# Folders in which Rucio's client looks for its rucio.cfg, after the file that RUCIO_CONFIG names.
FOLDERS = ("RUCIO_HOME", "VIRTUAL_ENV", "CONDA_PREFIX")
LAST = "/opt/rucio/etc/rucio.cfg"
KINDS: dict[str, Literal["x509", "token", "userpass"]] = {
    "userpass": "userpass",
    "x509_proxy": "x509",
    "x509": "x509",
    "oidc": "token",
}
PASSWORD = "RUCIO_PASSWORD"
TOKEN = "BEARER_TOKEN_FILE"


class Settings(Struct, frozen=True):
    """A server, who we are there, and the file that told it."""

    url: str
    auth: str
    account: str
    vo: str
    ca: str
    credential: Credential
    file: str = ""

    def source(self, timeout: float = 30.0) -> Source:
        """Make the catalogue of it."""
        options = Options(auth=self.auth, account=self.account, vo=self.vo)
        service = ServiceChoice(SERVER, SERVER, options, url=self.url, ca=self.ca)
        return Source(
            name=SERVER,
            address=self.url,
            located=self.url,
            lock=Path(f"{SERVER}.lock.json"),
            timeout=timeout,
            service=service,
            credential=self.credential,
        )


def find(
    variables: Mapping[str, str], url: str = "", auth: str = "", account: str = ""
) -> Settings:
    """Find a server; what is given counts first, then variables, then rucio.cfg.

    UsageError where none is told, or not who we are.
    """
    file = _file(variables)
    told = _client(file) if file else {}
    address = url or told.get("rucio_host", "") or variables.get("RUCIO_URL", "")
    if not address:
        places = ", ".join([f"${name}/etc" for name in FOLDERS])
        raise UsageError(
            f"no Rucio server is known: there is no rucio.cfg in {places} or {LAST}; "
            "write --url https://…, or export RUCIO_CONFIG"
        )
    return Settings(
        url=address.rstrip("/"),
        auth=(auth or ("" if url else told.get("auth_host", ""))).rstrip("/"),
        account=account or variables.get("RUCIO_ACCOUNT", "") or told.get("account", ""),
        vo=variables.get("RUCIO_VO", "") or told.get("vo", ""),
        ca=_path(told.get("ca_cert", "")),
        credential=_credential(told, variables, account),
        file=str(file or ""),
    )


def _file(variables: Mapping[str, str]) -> Path | None:
    if named := variables.get("RUCIO_CONFIG"):
        return Path(named)
    folders = [Path(variables[name], "etc", "rucio.cfg") for name in FOLDERS if variables.get(name)]
    return next((path for path in (*folders, Path(LAST)) if path.is_file()), None)


def _client(path: Path) -> dict[str, str]:
    # A password may hold a percent sign.
    parser = ConfigParser(interpolation=None)
    try:
        parser.read_string(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError, Error) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise UsageError(f"{path}, Rucio's configuration, cannot be read: {why}") from None
    return dict(parser["client"]) if parser.has_section("client") else {}


def _credential(told: Mapping[str, str], variables: Mapping[str, str], account: str) -> Credential:
    sort = variables.get("RUCIO_AUTH_TYPE") or told.get("auth_type") or _guessed(variables)
    kind = KINDS.get(sort)
    if kind is None:
        known = ", ".join(KINDS)
        raise UsageError(f'Rucio\'s auth_type "{sort}" is not known here, only {known}')
    if kind == "x509":
        named = variables.get("RUCIO_CLIENT_PROXY") or told.get("client_x509_proxy")
        return Credential("robot", kind, proxy=_path(named or variables.get("X509_USER_PROXY", "")))
    if kind == "token":
        return Credential("token", kind, token=_path(variables.get(TOKEN, "")))
    user = told.get("username") or variables.get("RUCIO_USERNAME") or account
    password = variables.get(PASSWORD) or told.get("password", "")
    return Credential("user", kind, username=user or "", password=Secret(password))


def _guessed(variables: Mapping[str, str]) -> str:
    """Guess how to log in where nothing tells it, from what there is."""
    if variables.get(PASSWORD):
        return "userpass"
    return "oidc" if variables.get(TOKEN) else "x509_proxy"


def _path(text: str) -> str:
    return os.path.expanduser(os.path.expandvars(text.strip())) if text else ""
