"""The steps of a test of services."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

from packaging.specifiers import SpecifierSet

from lakecheck.drivers import classify
from lakecheck.errors import DriverError, ProtocolError, TlsFailed
from lakecheck.model import NOBODY, Scalar
from lakecheck.probes import asking, daemons
from lakecheck.probes.base import Measured, Steps, Tools
from lakecheck.probes.heartbeats import Beat, found, version_of
from lakecheck.probes.service import NUMBERS, ROOTS

SPOKEN = re.compile(r"application/(\w+\+)?json|text/plain")


async def answer(tools: Tools) -> Measured:
    """It answers, with a status that is right."""
    beat: Beat = tools.case.task
    shown = tools.credential if beat.shows else NOBODY
    measures: dict[str, Any] = {"heartbeat.url": beat.url}
    try:
        if urlsplit(beat.url).scheme in ROOTS:
            version, latency = await asking.hello(beat.url)
            measures |= {"heartbeat.version": version, "heartbeat.latency": round(latency, 6)}
            return Measured(measures=measures)
        got = await asking.ask(beat.url, beat.ca, shown, beat.method)
    except DriverError as error:
        if isinstance(error, TlsFailed):
            measures |= await _about(beat.url, error)
        return Measured(error=error, measures=measures)
    tools.notes["answer"] = got
    measures |= {"heartbeat.http_status": got.status, "heartbeat.latency": round(got.latency, 6)}
    known = beat.signature in got.headers if beat.signature and got.status >= 400 else True
    if got.status in beat.status and known:
        return Measured(measures=measures)
    said = got.text if SPOKEN.match(got.headers.get("Content-Type", "")) else ""
    refused = classify.http(got.status, said, beat.url, shown, beat.method, side="service")
    return Measured(error=refused, measures=measures)


async def _about(url: str, error: DriverError) -> dict[str, Any]:
    """Tell of a certificate that is not trusted, as far as it lets itself be seen."""
    try:
        seen = await asking.certificate(url)
    except DriverError:
        return {}
    error.message += f"; it is of {seen.issuer}, until {seen.until:%Y-%m-%d %H:%M} UTC"
    error.args = (error.message,)
    return {"heartbeat.days_left": seen.days_left, "heartbeat.issuer": seen.issuer}


async def content(tools: Tools) -> Measured:
    """What it answers says what it must."""
    beat: Beat = tools.case.task
    got: asking.Answer = tools.notes["answer"]
    if beat.contains and beat.contains not in got.text:
        raise _wrong(f'"{beat.contains}" does not stand in its answer')
    if not (beat.version or beat.json):
        return Measured()
    try:
        told = json.loads(got.text)
    except ValueError:
        raise _wrong("its answer is no JSON") from None
    for path, wanted in beat.json.items():
        _check(told, path, wanted)
    return Measured(measures=_version(beat, told))


def _check(told: Any, path: str, wanted: Scalar) -> None:
    """See that a value is the wanted one, or that a list holds it."""
    try:
        seen = found(told, path)
    except KeyError:
        raise _wrong(f'its JSON has no "{path}"') from None
    if seen != wanted and not (isinstance(seen, list) and wanted in seen):
        raise _wrong(f"{path} is {json.dumps(seen)[:200]}, expected {json.dumps(wanted)}")


def _version(beat: Beat, told: Any) -> dict[str, str]:
    if not beat.version:
        return {}
    try:
        version = version_of(found(told, beat.version))
    except (KeyError, ValueError):
        raise _wrong(f'its JSON tells no version under "{beat.version}"') from None
    numbers = NUMBERS.search(version)
    if beat.condition and not (
        numbers and SpecifierSet(beat.condition).contains(numbers[0], prereleases=True)
    ):
        raise _wrong(f"its version is {version}, expected {beat.condition}")
    return {"heartbeat.version": version}


def _wrong(message: str) -> ProtocolError:
    return ProtocolError(message, side="service", phase="content")


async def certificate(tools: Tools) -> Measured:
    """Its certificate lasts for as long as it must."""
    beat: Beat = tools.case.task
    seen = await asking.certificate(beat.url, tools.credential if beat.shows else NOBODY)
    measures = {
        "heartbeat.url": beat.url,
        "heartbeat.days_left": seen.days_left,
        "heartbeat.issuer": seen.issuer,
    }
    limit = beat.certificate / asking.DAY
    if seen.days_left >= limit:
        return Measured(measures=measures)
    when = f"in {seen.days_left:.1f} days, on {seen.until:%Y-%m-%d %H:%M} UTC"
    told = f"its certificate ends {when}; at least {limit:g} days were expected"
    late = TlsFailed(told, side="service", phase="certificate")
    return Measured(error=late, severity="warning", measures=measures)


STEPS: Steps = {
    "answer": answer,
    "content": content,
    "certificate": certificate,
    "daemons": daemons.daemons,
}
