"""The steps of a replication test."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime
from typing import Any

from lakecheck.drivers import rucio_reasons
from lakecheck.drivers.rucio_rules import Rule
from lakecheck.drivers.rucio_session import Rucio, upload_name
from lakecheck.errors import Denied, DriverError, Exists, Missing, TimedOut
from lakecheck.model import Case
from lakecheck.probes import replication_loss, replication_move
from lakecheck.probes.base import Measured, Steps, Tools
from lakecheck.probes.replication_files import (
    PREFIX,
    did_of,
    held,
    item,
    names,
    tag,
    whole,
)

DAY = 86400.0
LOOK_AGAIN = 1.0  # seconds


async def _all(calls: Iterable[Coroutine[Any, Any, Any]]) -> list[Any]:
    """Wait until every call has ended, lest one goes on when the case is cleaned up."""
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return outcomes


async def upload(tools: Tools) -> Measured:
    """Each file is uploaded and registered by Rucio's client, with a rule that ends by itself."""
    case, options = tools.case, tools.case.test.options
    rucio: Rucio = await tools.service()
    scope, name = did_of(tools)
    assert case.endpoint is not None
    files, rse = names(tools), case.endpoint.rse
    for each in dict.fromkeys((name, *files)):
        tools.keeping_at("did", f"{scope}:{each}")
    ca = case.endpoint.ca
    uploads = [upload_name(rse, f"{scope}:{each}", ca) for each in files]
    for each in uploads:
        tools.keeping_at("upload", each)
    common = {
        **item(options, case),
        "rse": rse,
        "did_scope": scope,
        "lifetime": round(options.lifetime),
    }
    if case.files > 1:
        common |= {"dataset_scope": scope, "dataset_name": name}
        lifetime = round(options.lifetime)
        with contextlib.suppress(Exists):
            await rucio.call("add_dataset", scope, name, lifetime=lifetime)
        await rucio.add_rule([(scope, name)], rse, lifetime=lifetime, comment=tag(tools))
        common.pop("lifetime")
    try:
        await _all(
            rucio.upload(tools.payload, {**common, "did_name": each}, case.test.timeout, ca)
            for each in files
        )
    except Denied as error:
        if error.side == "tester":  # Rucio says so of a scope that there is none of, too
            may = f'does the scope "{scope}" exist, and may "{rucio.account}" add files to it?'
            error.message = f"{may} {error.message}"
            error.args = (error.message,)
        raise
    for each in uploads:
        tools.removed_at("upload", each)
    measures = {"did": f"{scope}:{name}"}
    return Measured(bytes=case.size * case.files, files=case.files, measures=measures)


async def register(tools: Tools) -> Measured:
    """Rucio has each file where it was uploaded, as it was; it goes into the day's dataset."""
    case = tools.case
    rucio: Rucio = await tools.service()
    scope, name = did_of(tools)
    assert case.endpoint is not None
    found = await whole(tools, rucio, case.endpoint.rse)
    await _collect(tools, rucio)
    return Measured(files=len(found), measures={"did": f"{scope}:{name}"})


async def _collect(tools: Tools, rucio: Rucio) -> None:
    """Put the files into one dataset a day and test, so that people find them together."""
    scope, _ = did_of(tools)
    day = f"{datetime.now(UTC):%Y%m%d}"
    dataset = f"{PREFIX}.{tools.case.test.name}.{day}"
    lifetime = round(max(tools.case.test.options.lifetime, DAY) + DAY)
    files = [{"scope": scope, "name": each} for each in names(tools)]
    try:
        await rucio.call("attach_dids", scope, dataset, files)
    except Missing:
        with contextlib.suppress(Exists):
            await rucio.call("add_dataset", scope, dataset, lifetime=lifetime)
        await rucio.call("attach_dids", scope, dataset, files)


async def rule(tools: Tools) -> Measured:
    """A rule brings the files where it wants them: it is OK."""
    case, options = tools.case, tools.case.test.options
    rucio: Rucio = await tools.service()
    did = did_of(tools)
    began = time.perf_counter()
    if options.transition:
        rule_id = await replication_move.begin(tools, rucio)
    else:
        rule_id = await rucio.add_rule(
            [did],
            options.rule.to if options.rule else _destination(case),
            options.rule.copies if options.rule else 1,
            lifetime=round(options.lifetime),
            source_replica_expression=None if options.rule else case.needs[0].place,
            activity=options.activity or None,
            grouping="ALL",
            purge_replicas=True,
            comment=tag(tools),
        )
    tools.creating_at("rule", rule_id)
    tools.notes["rule"] = rule_id
    try:
        waiting = rucio.settled(rule_id, tag(tools))
        if options.transition:
            waiting = replication_move.while_readable(tools, rucio, waiting)
        settled = await waiting
    except asyncio.CancelledError:
        if not tools.late:
            raise
        return _judged(tools, rucio.last(rule_id), _late(tools, rucio, rule_id))
    error = None if settled.state == "OK" else _stuck(tools, rucio, settled)
    took = time.perf_counter() - began
    return _judged(tools, settled, error, took)


def _destination(case: Case) -> str:
    assert case.endpoint is not None
    return case.endpoint.rse


def _judged(
    tools: Tools, rule: Rule | None, error: DriverError | None, took: float | None = None
) -> Measured:
    case = tools.case
    scope, name = did_of(tools)
    measures: dict[str, Any] = {"did": f"{scope}:{name}", "rule": tools.notes["rule"]}
    if rule is not None:
        measures |= {
            "rule_state": rule.state,
            "locks_ok": rule.locks[0],
            "locks_replicating": rule.locks[1],
            "locks_stuck": rule.locks[2],
        }
    measures["job.id"] = tools.notes["rule"]
    return Measured(
        bytes=case.size * case.files if error is None else None,
        files=case.files if error is None else None,
        duration=took,
        measures=measures,
        error=error,
    )


def _late(tools: Tools, rucio: Rucio, rule_id: str) -> DriverError:
    limit = f"{tools.case.test.timeout:g}s, the time of the whole case"
    rule = rucio.last(rule_id)
    if rule is None and rucio.silence is not None:
        error = rucio.silence
        told = f"{error.message} (for so long that {limit}, was over)"
        return type(error)(told, code=error.code, side=error.side, phase=error.phase)
    state = rule.state if rule else "not told"
    told = f"the rule was not OK within {limit}: its state is {state}"
    if rule:
        told += f", {rule.locks[0]} of {sum(rule.locks)} files are there"
    return TimedOut(told, side="service", phase="rule")


def _stuck(tools: Tools, rucio: Rucio, rule: Rule) -> DriverError:
    """Say why a rule is stuck, in the words that Rucio has from FTS or gives itself."""
    source, end = tools.case.needs[0].place, _destination(tools.case)
    return rucio_reasons.of_rule(rule.state, rule.error, source, end, rucio.credential)


async def replica(tools: Tools) -> Measured:
    """Rucio says that the files are there, whole, on as many RSEs as were asked for."""
    case, options = tools.case, tools.case.test.options
    rucio: Rucio = await tools.service()
    if not (options.rule or options.transition):
        await whole(tools, rucio, _destination(case))
        return Measured(files=case.files, measures={"rses": [_destination(case)]})
    there, _ = await held(tools, rucio)
    wanted = set(await rucio.rses(options.rule.to if options.rule else options.transition.to))
    having, copies = there & wanted, options.rule.copies if options.rule else 1
    if len(having) < copies:
        told = f"{copies} copies were asked for; {', '.join(sorted(having)) or 'no RSE'} has them"
        raise Missing(told, side="service")
    if options.transition:
        await replication_move.end(tools, rucio, wanted)
    return Measured(files=case.files, measures={"rses": sorted(having)})


async def download(tools: Tools) -> Measured:
    """Each file is downloaded by Rucio's client from where the rule wanted it, and compared."""
    case, options = tools.case, tools.case.test.options
    rucio: Rucio = await tools.service()
    scope, _ = did_of(tools)
    asked = item(options, case)
    if not (options.rule or options.transition):
        asked["rse"] = _destination(case)
    elif options.rule:
        asked["rse"] = options.rule.to
    else:
        asked["rse"] = options.transition.to
    assert case.endpoint is not None
    ca = case.endpoint.ca
    counts = await _all(
        rucio.download(tools.payload, {**asked, "did": f"{scope}:{each}"}, case.test.timeout, ca)
        for each in names(tools)
    )
    return Measured(bytes=sum(counts), files=len(counts))


async def delete(tools: Tools) -> Measured:
    """The rule ends, and where it is asked for, its replicas are gone as well."""
    rucio: Rucio = await tools.service()
    rule_id = tools.notes["rule"]
    await rucio.undo("rule", rule_id)
    tools.removed_at("rule", rule_id)
    while tools.case.test.options.gone and not await _is_gone(tools, rucio, rule_id):
        await asyncio.sleep(LOOK_AGAIN)
    return Measured(measures={"rule": rule_id})


async def _is_gone(tools: Tools, rucio: Rucio, rule_id: str) -> bool:
    """Whether a rule is no more, nor any copy but those that were uploaded."""
    if await rucio.rule(rule_id) is not None:
        return False
    try:
        _, some = await held(tools, rucio)
    except Missing:  # a file that has moved on has no copy at all when its rule is gone
        return True
    return not some - {tools.case.needs[0].place}


STEPS: Steps = {
    "upload": upload,
    "register": register,
    "rule": rule,
    "replica": replica,
    "download": download,
    "repaired": replication_loss.repaired,
    "delete": delete,
}
