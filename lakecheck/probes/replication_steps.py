"""The steps of a replication test."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from lakecheck.drivers.fts import FileReport
from lakecheck.drivers.fts_reasons import explain_file
from lakecheck.drivers.rucio_rules import Rule
from lakecheck.drivers.rucio_session import Replica, Rucio
from lakecheck.errors import Corrupt, DriverError, Exists, Missing, TimedOut
from lakecheck.model import Case
from lakecheck.probes.base import Measured, Steps, Tools
from lakecheck.probes.replication import Options

PREFIX = "lakecheck"
AVAILABLE = "AVAILABLE"
DAY = 86400.0
LABEL = re.compile(r"^RequestErrMsg\.\w+:")
LOOK_AGAIN = 1.0  # seconds


def did_of(tools: Tools) -> tuple[str, str]:
    """Scope and name of what a case uploads, or replicates: a file, or a dataset of several."""
    upload = tools.case.needs[0] if tools.case.needs else tools.case
    return upload.test.options.scope, f"{PREFIX}.{tools.name_of(upload)}"


def names(tools: Tools) -> list[str]:
    """Give the names of its files."""
    _, name = did_of(tools)
    files = tools.case.files
    return [name] if files == 1 else [f"{name}.{number}" for number in range(files)]


def _item(options: Options, case: Case) -> dict[str, Any]:
    item: dict[str, Any] = {"transfer_timeout": round(case.test.timeout) or 1}
    if options.protocol:
        item["force_scheme"] = options.protocol
    return item


async def upload(tools: Tools) -> Measured:
    """Each file is uploaded and registered by Rucio's client, with a rule that ends by itself."""
    case, options = tools.case, tools.case.test.options
    rucio: Rucio = await tools.service()
    scope, name = did_of(tools)
    assert case.endpoint is not None
    tools.keeping_at("did", f"{scope}:{name}")
    common = {
        **_item(options, case),
        "rse": case.endpoint.rse,
        "did_scope": scope,
        "lifetime": round(options.lifetime),
    }
    if case.files > 1:
        common |= {"dataset_scope": scope, "dataset_name": name}
        lifetime = round(options.lifetime)
        with contextlib.suppress(Exists):
            await rucio.call("add_dataset", scope, name, lifetime=lifetime)
        rse, tag = case.endpoint.rse, _tag(tools)
        await rucio.add_rule([(scope, name)], rse, lifetime=lifetime, comment=tag)
        common.pop("lifetime")
    await asyncio.gather(
        *(
            rucio.upload(
                tools.payload, {**common, "did_name": each}, case.test.timeout, case.endpoint.ca
            )
            for each in names(tools)
        )
    )
    measures = {"did": f"{scope}:{name}"}
    return Measured(bytes=case.size * case.files, files=case.files, measures=measures)


async def register(tools: Tools) -> Measured:
    """Rucio has each file where it was uploaded, as it was; it goes into the day's dataset."""
    case = tools.case
    rucio: Rucio = await tools.service()
    scope, name = did_of(tools)
    assert case.endpoint is not None
    found = await _whole(tools, rucio, case.endpoint.rse)
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
        rule_id = await _moved(tools, rucio)
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
            comment=_tag(tools),
        )
    tools.creating_at("rule", rule_id)
    tools.notes["rule"] = rule_id
    try:
        settled = await rucio.settled(rule_id, _tag(tools))
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


def _tag(tools: Tools) -> str:
    return f"lakecheck {tools.run_id}"


async def _moved(tools: Tools, rucio: Rucio) -> str:
    """Let Rucio move the upload's rule: the new one holds before the old one ends."""
    options = tools.case.test.options
    scope, name = did_of(tools)
    rules = await rucio.call("list_did_rules", scope, name)
    before = next((each for each in rules if not each.get("child_rule_id")), None)
    if before is None:
        raise Missing(f"Rucio has no rule for {scope}:{name}", side="service")
    changes = {"activity": options.activity} if options.activity else {}
    tools.notes["before"] = before["id"]
    return str(
        await rucio.call("move_replication_rule", before["id"], options.transition.to, changes)
    )


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
    source = tools.case.needs[0].place
    # Rucio puts its own word for the sort of failure before FTS's reason.
    reason = LABEL.sub("", rule.error)
    file = FileReport("FAILED", source, tools.case.place, reason)
    error = explain_file(file, rucio.credential)
    error.host = None  # which of the RSE's endpoints was used is not told
    said = rule.error or "Rucio gives no reason"
    error.message = f"the rule is {rule.state}: {said}"
    error.args = (error.message,)
    error.phase = error.phase or "rule"
    return error


async def replica(tools: Tools) -> Measured:
    """Rucio says that the files are there, whole, on as many RSEs as were asked for."""
    case, options = tools.case, tools.case.test.options
    rucio: Rucio = await tools.service()
    if not (options.rule or options.transition):
        await _whole(tools, rucio, _destination(case))
        return Measured(files=case.files, measures={"rses": [_destination(case)]})
    there = await _everywhere(tools, rucio)
    wanted = set(await rucio.rses(options.rule.to if options.rule else options.transition.to))
    held, copies = there & wanted, options.rule.copies if options.rule else 1
    if len(held) < copies:
        told = f"{copies} copies were asked for; {', '.join(sorted(held)) or 'no RSE'} has them"
        raise Missing(told, side="service")
    if options.transition:
        await _left(tools, rucio, wanted)
    return Measured(files=case.files, measures={"rses": sorted(held)})


async def _left(tools: Tools, rucio: Rucio, wanted: set[str]) -> None:
    """Wait until the old class has no copy any more; at each look the files must be readable."""
    old = set(await rucio.rses(tools.case.test.options.transition.start)) - wanted
    while True:
        there = await _everywhere(tools, rucio)
        if not there:
            raise Missing("between two classes there was no whole copy at all", side="service")
        if not there & old:
            return
        await asyncio.sleep(LOOK_AGAIN)


async def _everywhere(tools: Tools, rucio: Rucio) -> set[str]:
    """RSEs that have all files, each as it was uploaded."""
    replicas = await _replicas(tools, rucio)
    each = [{rse for rse, state in one.states.items() if state == AVAILABLE} for one in replicas]
    return set.intersection(*each) if each else set()


async def _whole(tools: Tools, rucio: Rucio, rse: str) -> Sequence[Replica]:
    """Give the replicas of all files, which an RSE must have, as they were uploaded."""
    found = await _replicas(tools, rucio)
    for each in found:
        state = each.states.get(rse, "")
        if state != AVAILABLE:
            told = f"Rucio says of {each.name} at {rse}: {state or 'no replica'}"
            raise Missing(told, side="service")
    return found


async def _replicas(tools: Tools, rucio: Rucio) -> Sequence[Replica]:
    scope, _ = did_of(tools)
    wanted = names(tools)
    found = await rucio.replicas([(scope, name) for name in wanted])
    missing = set(wanted) - {each.name for each in found}
    if missing:
        raise Missing(f"Rucio does not know {scope}:{min(missing)}", side="service")
    for each in found:
        if each.bytes != tools.payload.size or each.adler32 not in ("", tools.payload.adler32):
            told = f"Rucio has {each.name} with {each.bytes} bytes, adler32 {each.adler32}"
            raise Corrupt(f"{told}; it was uploaded as another", side="service")
    return found


async def download(tools: Tools) -> Measured:
    """Each file is downloaded by Rucio's client from where the rule wanted it, and compared."""
    case, options = tools.case, tools.case.test.options
    rucio: Rucio = await tools.service()
    scope, _ = did_of(tools)
    item = _item(options, case)
    if not (options.rule or options.transition):
        item["rse"] = _destination(case)
    elif options.rule:
        item["rse"] = options.rule.to
    else:
        item["rse"] = options.transition.to
    assert case.endpoint is not None
    counts = await asyncio.gather(
        *(
            rucio.download(
                tools.payload,
                {**item, "did": f"{scope}:{each}"},
                case.test.timeout,
                case.endpoint.ca,
            )
            for each in names(tools)
        )
    )
    return Measured(bytes=sum(counts), files=len(counts))


async def delete(tools: Tools) -> Measured:
    """The rule ends, and where it is asked for, its replicas are gone as well."""
    rucio: Rucio = await tools.service()
    rule_id = tools.notes["rule"]
    await rucio.undo("rule", rule_id)
    tools.removed_at("rule", rule_id)
    if tools.case.test.options.gone:
        source = tools.case.needs[0].place
        while await rucio.rule(rule_id) is not None or await _everywhere(tools, rucio) - {source}:
            await asyncio.sleep(LOOK_AGAIN)
    return Measured(measures={"rule": rule_id})


STEPS: Steps = {
    "upload": upload,
    "register": register,
    "rule": rule,
    "replica": replica,
    "download": download,
    "delete": delete,
}
