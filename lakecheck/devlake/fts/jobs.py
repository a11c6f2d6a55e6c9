"""The calls that submit, list, show, cancel and change jobs."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from lakecheck.devlake.fts import listing, submission
from lakecheck.devlake.fts.answering import Parts, answer
from lakecheck.devlake.fts.refusal import Refused
from lakecheck.devlake.fts.states import BY_USER, GOING_ON, JOB_ENDED, date
from lakecheck.devlake.fts.store import Row, shown

SLASH = "/{_:/*}"  # clients put more than one before a call
_ENDED = {"http_status": "304 Not Modified", "http_message": "The job is in a terminal state"}
_WELL = {"http_status": "200 Ok", "http_message": None}


class Jobs:
    """The handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._store = parts.store

    def routes(self) -> list[web.RouteDef]:
        """Give the calls."""
        jobs = SLASH + "jobs"
        return [
            web.post(jobs, self.submit),
            web.put(jobs, self.submit),
            web.get(jobs, self.index),
            web.get(jobs + "/{ids}", self.get),
            web.delete(jobs + "/all", self.cancel_all),
            web.delete(jobs + "/vo/{vo}", self.cancel_all),
            web.delete(jobs + "/{ids}", self.cancel),
            web.post(jobs + "/{ids}", self.modify),
            web.get(jobs + "/{id}/files", self.files),
            web.get(jobs + "/{id}/dm", self.deletions),
            web.delete(jobs + "/{id}/files/{files}", self.cancel_files),
            web.get(jobs + "/{id}/files/{file}/retries", self.retries),
            web.get(jobs + "/{id}/{field}", self.field),
        ]

    async def submit(self, request: web.Request) -> web.Response:
        """Take a job."""
        body = decoded(await request.read())
        caller = self._parts.caller(request)
        self._parts.credentials.require(caller)
        job, files = submission.read(body, self._parts.credentials.named(caller))
        job["cred_id"] = caller.delegation_id
        if job["job_type"] != "R" and job["job_type"] != "H":
            self._refuse_twins([file["dest_surl"] for file in files])
        if self._parts.faults.loses():
            return answer({"job_id": job["job_id"]})
        try:
            self._store.insert(job, files)
        except sqlite3.IntegrityError:
            raise Refused(409, "The sid provided by the user is duplicated") from None
        self._parts.scheduler.submitted(files)
        return answer({"job_id": job["job_id"]})

    def _refuse_twins(self, destinations: Sequence[str]) -> None:
        twice = len(set(destinations)) < len(destinations)
        if twice or self._store.taken(destinations):
            why = "another transfer to the same destination is not done yet"
            raise Refused(409, f"The submission is duplicated: {why}")

    async def index(self, request: web.Request) -> web.Response:
        """Give jobs that are going on, or those that a filter names."""
        return answer(listing.find(self._store, request.query, self._parts.caller(request)))

    async def get(self, request: web.Request) -> web.Response:
        """Give one job, or several."""
        self._parts.caller(request)
        wanted = request.query.get("files", "")
        ids = _ids(request)
        found = self._store.jobs(ids)
        files = self._store.files(list(found)) if wanted else {}
        several = [
            _described(found, each)
            | ({"files": _fields(files[each], wanted)} if each in files else {})
            for each in ids
        ]
        return _reply(several, request.match_info["ids"])

    async def files(self, request: web.Request) -> web.Response:
        """Give a job's files, with all of their fields."""
        job = self._job(request)
        return answer([shown(file) for file in self._store.files([job["job_id"]])[job["job_id"]]])

    async def deletions(self, request: web.Request) -> web.Response:
        """Give what a job deletes: nothing."""
        self._job(request)
        return answer([])

    async def retries(self, request: web.Request) -> web.Response:
        """Give the tries of a file that failed before its last."""
        job = self._job(request)
        query = "SELECT * FROM retries WHERE file_id IN"
        query += " (SELECT file_id FROM files WHERE job_id = ? AND file_id = ?)"
        return answer(self._store.rows(query, job["job_id"], request.match_info["file"]))

    async def field(self, request: web.Request) -> web.Response:
        """Give one field of a job."""
        job = shown(self._job(request))
        if request.match_info["field"] not in job:
            raise Refused(404, "No such field")
        return answer(job[request.match_info["field"]])

    async def cancel(self, request: web.Request) -> web.Response:
        """Cancel jobs, and tell what has become of each."""
        self._parts.caller(request)
        ids = _ids(request)
        found = self._store.jobs(ids)
        going = [each for each in ids if each in found and not _ended(found[each])]
        self._store.cancel(going, BY_USER)
        self._parts.scheduler.canceled(going)
        return _reply(self._changed(ids, going), request.match_info["ids"])

    async def cancel_all(self, request: web.Request) -> web.Response:
        """Refuse, since nobody is an administrator here."""
        self._parts.caller(request)
        raise Refused(403, "User does not have root privileges")

    async def modify(self, request: web.Request) -> web.Response:
        """Change the priority of jobs."""
        self._parts.caller(request)
        body = decoded(await request.read())
        ids = _ids(request)
        found = self._store.jobs(ids)
        going = [each for each in ids if each in found and not _ended(found[each])]
        priority = _priority(body)
        with self._store.together():
            for each in going if priority else []:
                for table in ("jobs", "files"):
                    statement = f"UPDATE {table} SET priority = ? WHERE job_id = ?"
                    self._store.write(statement, priority, each)
        return _reply(self._changed(ids, going), request.match_info["ids"])

    async def cancel_files(self, request: web.Request) -> web.Response:
        """Cancel single files of a job, and give their states."""
        job = self._job(request)
        if job["job_type"] != "N":
            why = f"Multihop or reuse jobs must be cancelled at once ({job['job_type']})"
            raise Refused(400, why)
        known = {
            str(file["file_id"]): file for file in self._store.files([job["job_id"]])[job["job_id"]]
        }
        states = [
            self._cancel_file(known.get(each)) for each in request.match_info["files"].split(",")
        ]
        self._store.settle(job["job_id"])
        return answer(states if len(states) > 1 else states[0])

    def _cancel_file(self, file: Row | None) -> str:
        if file is None:
            return "File does not belong to the job"
        if file["file_state"] not in GOING_ON:
            return str(file["file_state"])
        changes = {"file_state": "CANCELED", "finish_time": date(), "reason": BY_USER}
        self._store.set_file(file["file_id"], **changes)
        self._parts.scheduler.cancel_files([file["file_id"]])
        return "CANCELED"

    def _job(self, request: web.Request) -> Row:
        self._parts.caller(request)
        found = self._store.jobs([request.match_info["id"]])
        if not found:
            raise Refused(404, _unknown(request.match_info["id"]))
        return next(iter(found.values()))

    def _changed(self, ids: Sequence[str], changed: Sequence[str]) -> list[Row]:
        found = self._store.jobs(ids)
        outcome = {each: _WELL if each in changed else _ENDED for each in found}
        return [_described(found, each) | outcome.get(each, {}) for each in ids]


def decoded(body: bytes) -> Any:
    """Read a JSON object; raises Refused."""
    try:
        found = msgspec.json.decode(body or b"{}")
    except msgspec.DecodeError as wrong:
        raise Refused(400, f"Badly formatted JSON request: {wrong}") from None
    if not isinstance(found, dict):
        raise Refused(400, "Badly formatted JSON request: expecting an object")
    return found


def _priority(body: Any) -> int:
    try:
        return max(1, min(5, int(body["params"]["priority"])))
    except KeyError:
        return 0
    except (ValueError, TypeError):
        raise Refused(400, "Invalid priority value") from None


def _ids(request: web.Request) -> list[str]:
    return [each for each in request.match_info["ids"].split(",") if each]


def _ended(job: Row) -> bool:
    return job["job_state"] in JOB_ENDED


def _unknown(job_id: str) -> str:
    return f'No job with the id "{job_id}" has been found'


def _described(found: Mapping[str, Row], job_id: str) -> Row:
    if job_id in found:
        return shown(found[job_id]) | {"http_status": "200 Ok"}
    return {"job_id": job_id, "http_status": "404 Not Found", "http_message": _unknown(job_id)}


def _fields(files: Sequence[Row], wanted: str) -> list[Row]:
    names = wanted.split(",")
    return [{name: file[name] for name in names if name in file} for file in map(shown, files)]


def _reply(several: Sequence[Row], asked: str) -> web.Response:
    """Give one object for one id, else a list: 207 where any of it is not well."""
    if not several:
        raise Refused(400, "No job id was given")
    if "," not in asked:
        status = int(str(several[0]["http_status"]).split()[0])
        return answer(several[0], status if status >= 400 else 200)
    well = all(str(each["http_status"]).startswith("2") for each in several)
    return answer(several, 200 if well else 207)
