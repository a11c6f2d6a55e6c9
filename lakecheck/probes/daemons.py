"""The step that looks at the daemons of a Rucio: when did each last tell that it lives."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from lakecheck.credentials import token
from lakecheck.drivers import classify
from lakecheck.errors import BadCredential, Denied, ProtocolError, TimedOut
from lakecheck.model import NOBODY, Credential, ServiceChoice
from lakecheck.probes import asking
from lakecheck.probes.base import Measured, Tools

TOKEN = "X-Rucio-Auth-Token"
SHOWN = 10  # daemons that a message names


async def daemons(tools: Tools) -> Measured:
    """Each daemon has told of itself lately: of several at work, one that has is enough."""
    case = tools.case
    service = case.test.services[case.service]
    limit = float(case.test.options.heartbeats.older_than)
    key = await _token(service, tools.credential)
    told = await _get(f"{service.url}/heartbeats", service.ca, tools.credential, {TOKEN: key})
    now = _moment(told.headers.get("Date", "")) or time.time()
    ages = youngest(told.text, now)
    if not ages:
        raise ProtocolError("it knows of no daemon at all", side="service", phase="daemons")
    late = {name: age for name, age in ages.items() if age > limit}
    measures = {
        "heartbeat.daemons": len(ages),
        "heartbeat.oldest": max(ages.values()),
        "heartbeat.silent": sorted(late),
    }
    if not late:
        return Measured(measures={name: value for name, value in measures.items() if value != []})
    worst = sorted(late, key=lambda name: -late[name])[:SHOWN]
    listed = ", ".join(f"{name} for {late[name]:.0f}s" for name in worst)
    message = f"{len(late)} of {len(ages)} daemons are silent for more than {limit:g}s: {listed}"
    return Measured(error=TimedOut(message, side="service", phase="daemons"), measures=measures)


def youngest(text: str, now: float) -> dict[str, float]:
    """Give the seconds since each daemon's last heartbeat, of a list in JSON or one a line."""
    ages: dict[str, float] = {}
    for entry in _entries(text):
        name = entry.get("readable", entry.get("executable"))
        moment = _moment(str(entry.get("updated_at")))
        if not isinstance(name, str) or moment is None:
            raise ProtocolError("its heartbeats are not told as Rucio tells them", side="service")
        age = max(0.0, now - moment)
        ages[name] = min(age, ages.get(name, age))
    return ages


def _entries(text: str) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text) if text.lstrip().startswith("[") else _lines(text)
    except ValueError:
        raise ProtocolError("its heartbeats are no JSON", side="service") from None
    return [entry for entry in found if isinstance(entry, dict)]


def _lines(text: str) -> list[Any]:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _moment(text: str) -> float | None:
    """Read a time as Rucio or HTTP writes it: `Sat, 21 Nov 2026 09:00:00 UTC`, or RFC 3339."""
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            found: datetime = read(text)
        except (ValueError, TypeError):
            continue
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    return None


async def _token(service: ServiceChoice, credential: Credential) -> str:
    """Get a token for what only some may see."""
    if credential.kind == "token":
        return token.read(credential.token).text
    account = str(getattr(service.options, "account", ""))
    vo = str(getattr(service.options, "vo", ""))
    headers = {"X-Rucio-Account": account} if account else {}
    headers |= {"X-Rucio-VO": vo} if vo else {}
    auth = str(getattr(service.options, "auth", "") or service.url).rstrip("/")
    if credential.kind == "x509":
        path = "x509_proxy"
    elif credential.kind == "userpass":
        path = "userpass"
        headers |= {
            "X-Rucio-Username": credential.username,
            "X-Rucio-Password": str(credential.password),
        }
    else:
        told = f"Rucio tells only whom it knows of its daemons: {service.name} needs a credential"
        raise BadCredential(told, phase="authenticate")
    try:
        told_token = await _get(f"{auth}/auth/{path}", service.ca, credential, headers)
    except Denied as error:
        told = f'Rucio at {auth} does not accept credential "{credential.name}": {error.message}'
        raise BadCredential(told, code=error.code, phase="authenticate", host=error.host) from None
    if TOKEN not in told_token.headers:
        raise ProtocolError("it gave no token to us", side="service", phase="authenticate")
    return str(told_token.headers[TOKEN])


async def _get(
    url: str, ca: str, credential: Credential, headers: Mapping[str, str]
) -> asking.Answer:
    shown = credential if credential.kind == "x509" else NOBODY
    got = await asking.ask(url, ca, shown, headers=headers)
    if got.status != 200 and "AccessDenied" in got.text:
        told = f"its account may not read the heartbeats of daemons: {' '.join(got.text.split())}"
        raise BadCredential(told, code=got.status, phase="authenticate")
    if got.status != 200:
        raise classify.http(got.status, got.text, url, credential, side="service")
    return got
