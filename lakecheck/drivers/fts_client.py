"""The official FTS3 client, with connections that are kept and answers that are not lost.

All calls here block; they are made in threads.
"""

from __future__ import annotations

import contextlib
import json
import ssl
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import requests
from fts3.rest.client import Context, Delegator, Submitter
from fts3.rest.client import easy as fts3
from fts3.rest.client.exceptions import BadEndpoint, FTS3ClientException
from fts3.rest.client.request import Request
from requests.adapters import HTTPAdapter

from lakecheck import __version__
from lakecheck.credentials import check, place, token
from lakecheck.drivers import classify, fts_library
from lakecheck.drivers.fts import Submission
from lakecheck.errors import (
    BadCredential,
    DriverError,
    Exists,
    LakecheckError,
    Missing,
    ProtocolError,
    TesterFailed,
    TimedOut,
    TlsFailed,
    Unreachable,
)
from lakecheck.model import Credential, ServiceChoice

CONNECT, READ = 5.0, 10.0  # seconds that a call waits for a connection and for each answer
GRID = "/etc/grid-security/certificates"  # where the client looks by itself
OLDEST = 3  # major version of the REST interface
NO_DELEGATION = 419
UNKNOWN = "404 Not Found"
NO_JOB = "No job with the id"  # FTS says so; a gateway before it does not
# What is asked of each file; FTS leaves out the rest, which is most of an answer.
FILE_FIELDS = (
    "file_state,source_surl,dest_surl,reason,filesize,start_time,finish_time,tx_duration,"
    "staging_start,staging_finished,transfer_host,log_file"
)


class _Pooled(Request):  # type: ignore[misc]  # the client has no annotations
    """Requests over kept connections; what is no success is told as our own errors."""

    def __init__(self, credential: Credential, at_once: int, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._credential = credential
        self._session = requests.Session()
        self._session.trust_env = False  # neither a proxy nor a netrc of the environment's
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=at_once))

    def method(
        self,
        method: str,
        url: str,
        body: str | None = None,
        headers: dict[str, str] | None = None,
        user: str | None = None,
        passw: str | None = None,
    ) -> str:
        """Give the body of a success, and of an answer about several jobs."""
        sent = {"Accept": "application/json", **(headers or {})}
        if self.fts_access_token:
            sent["Authorization"] = f"Bearer {self.fts_access_token}"
        fts_library.forget_errors()
        try:
            answer = self._session.request(
                method,
                url,
                data=body,
                headers=sent,
                verify=self.capath if self.verify else False,
                timeout=(self.connectTimeout, self.timeout),
                cert=(self.ucert, self.ukey) if self.ucert else None,
            )
        except OSError as error:
            raise _unanswered(error, url) from None
        if answer.ok:
            return answer.text
        raise _refused(answer, method, self._credential)

    def close(self) -> None:
        self._session.close()


class _Anybody(Context):  # type: ignore[misc]
    """The client's context; without credentials it lacks these two."""

    fts_access_token = None
    access_method = None


class Client:
    """One FTS, asked with one credential; safe to call from several threads."""

    def __init__(self, choice: ServiceChoice, credential: Credential, at_once: int) -> None:
        """Ask it who it is; raises DriverError where it does not answer or is too old."""
        check(credential)
        self.url = choice.url
        self._credential = credential
        proxy = place(credential)
        known = token.read(credential.token).text if credential.kind == "token" else None

        def requester(*args: Any, **more: Any) -> Request:
            self._requests = _Pooled(credential, at_once, *args, **more)
            return self._requests

        with _told(self.url, opening=True), fts_library.quiet():
            self._context = _Anybody(
                choice.url,
                proxy or None,
                proxy or None,
                verify=True,
                fts_access_token=known,
                no_creds=not (proxy or known),
                capath=choice.ca or _authorities(),
                request_class=requester,
                connectTimeout=CONNECT,
                timeout=READ,
                user_agent=f"lakecheck/{__version__}",
            )
        self._check_version()
        self.base = ""  # of the ids that we choose ourselves; empty: FTS chooses them
        self._who()

    def _check_version(self) -> None:
        told = self._context.get_endpoint_info().get("api")
        major = told.get("major") if isinstance(told, dict) else None
        if not isinstance(major, int):
            raise _no_fts(self.url)
        if major < OLDEST:
            raise TesterFailed(
                f"FTS at {self.url} speaks version {major} of its REST interface; "
                f"lakecheck needs {OLDEST} or newer"
            )

    def _who(self) -> None:
        told = self._json("/whoami")
        vos = told.get("vos") or [""]
        with contextlib.suppress(ValueError, TypeError):
            self.base = str(uuid.uuid5(uuid.UUID(told.get("base_id")), str(vos[0])))
        self.delegation = str(told.get("delegation_id") or "")

    def delegate(self, again: bool = False) -> None:
        """Hand it a proxy of ours, where we have one and it has none that lasts."""
        if self._credential.kind == "x509":
            with _told(self.url):
                Delegator(self._context).delegate(force=again)

    def submit(self, job: Submission) -> str:
        """Submit a job and give its id; one that is there already is ours."""
        body = self._body(job)
        try:
            with _told(self.url):
                return str(Submitter(self._context).submit(**body))
        except Exists:
            # An earlier attempt may have reached it, though its answer did not reach us.
            known = self.id_of(job.key)
            if not known or UNKNOWN in str(self.jobs([known], False)[0].get("http_status")):
                raise
            return known

    def id_of(self, key: str) -> str:
        """Give the id that a job with this key gets; empty where FTS chooses it."""
        return str(uuid.uuid5(uuid.UUID(self.base), key)) if self.base else ""

    def _body(self, job: Submission) -> dict[str, Any]:
        algorithm = job.checksum if job.verify != "none" else None
        shown = self._context.fts_access_token
        # Who comes with a token gives one for each storage; a proxy is delegated once for all.
        tokens: dict[str, str] = {}
        if shown:
            tokens = {"source_token": shown, "destination_token": shown}
        transfers = [
            fts3.new_transfer(
                copy.source,
                copy.destination,
                checksum=algorithm,
                activity=job.activity or None,
                metadata=dict(job.file_metadata) or None,
                **tokens,
            )
            for copy in job.copies
        ]
        chosen = {"id_generator": fts3.JobIdGenerator.deterministic, "sid": job.key}
        made = fts3.new_job(
            transfers,
            verify_checksum=job.verify,
            overwrite=job.overwrite,
            retry=job.retry if job.retry else -1,
            priority=job.priority,
            bring_online=job.bring_online,
            copy_pin_lifetime=job.pin,
            metadata=dict(job.metadata),
            timeout=job.longest,
            **(chosen if self.base else {}),
        )
        params = {name: value for name, value in made["params"].items() if value is not None}
        return {"transfers": made["files"], "params": params}

    def jobs(self, ids: Sequence[str], files: bool) -> list[dict[str, Any]]:
        """Give what it says of some jobs, those that it does not know with a `http_status`."""
        what = f"?files={FILE_FIELDS}" if files else ""
        try:
            told = self._json(f"/jobs/{','.join(ids)}{what}")
        except Missing as error:
            if NO_JOB not in error.message:
                raise ProtocolError(error.message, side="service") from None
            return [{"job_id": job_id, "http_status": UNKNOWN} for job_id in ids]
        found = told if isinstance(told, list) else [told]
        if not all(isinstance(each, dict) for each in found):
            raise ProtocolError(f"FTS at {self.url} answers no jobs", side="service")
        return found

    def cancel(self, ids: Sequence[str]) -> None:
        """Cancel some jobs; those that have ended, or that it does not know, are no mistake."""
        if ids:
            with contextlib.suppress(Missing), _told(self.url):
                self._context.delete(f"/jobs/{','.join(ids)}")

    def mine(self, states: Sequence[str]) -> list[dict[str, Any]]:
        """Give the jobs that were submitted with this credential and are in one of some states."""
        query = f"state_in={','.join(states)}&limit=0"
        if self.delegation:
            query += f"&dlg_id={self.delegation}"
        told = self._json(f"/jobs?{query}")
        return told if isinstance(told, list) else []

    def _json(self, path: str) -> Any:
        with _told(self.url):
            text = self._context.get(path)
        try:
            return json.loads(text)
        except ValueError:
            raise ProtocolError(f"FTS at {self.url} answers no JSON", side="service") from None

    def close(self) -> None:
        """End all connections."""
        self._requests.close()


def _authorities() -> str | None:
    """Where the machine has its certificate authorities; None: where the grid has them."""
    own = ssl.get_default_verify_paths()
    return None if Path(GRID).is_dir() else own.cafile or own.capath


@contextlib.contextmanager
def _told(url: str, opening: bool = False) -> Iterator[None]:
    """Give our own errors for what the client makes of them: it wraps whatever it meets."""
    try:
        yield
    except Missing:
        if opening:
            raise _no_fts(url) from None
        raise
    except LakecheckError:
        raise
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None:
            if isinstance(cause, DriverError):
                raise cause from None
            cause = cause.__cause__ or cause.__context__
        if opening and isinstance(error, BadEndpoint | KeyError | TypeError):
            raise _no_fts(url) from None
        if isinstance(error, FTS3ClientException):
            message = f"FTS at {url}: {error}"
            raise ProtocolError(message, side="service") from None
        message = f"the FTS client: {type(error).__name__}: {error}"
        raise TesterFailed(message) from None


def _no_fts(url: str) -> DriverError:
    return ProtocolError(f"what answers at {url} is no FTS", side="service")


def _unanswered(error: OSError, url: str) -> DriverError:
    host = classify.host_of(url)
    told = f"FTS at {host}"
    if isinstance(error, requests.exceptions.SSLError):
        why = f"{told}: {classify.tls_trouble(_root(error))}"
        return TlsFailed(why, side="service", phase="tls", host=host)
    if isinstance(error, requests.Timeout):
        return TimedOut(f"{told} does not answer", side="service", host=host)
    if not isinstance(error, requests.RequestException):  # a file, of ours or of the CAs
        return TesterFailed(f"{told} was not asked: {error}")
    return Unreachable(f"{told}: {_root(error)}", side="service", phase="connect", host=host)


def _root(error: BaseException) -> str:
    """Give the innermost reason of an error: those around it repeat the request."""
    while inner := (error.__cause__ or error.__context__):
        error = inner
    return str(getattr(error, "strerror", "") or error)


def _refused(answer: requests.Response, method: str, credential: Credential) -> DriverError:
    text = answer.text
    with contextlib.suppress(ValueError, AttributeError):
        found = answer.json()
        text = str(found.get("message") or found.get("http_message") or text)
    if answer.status_code == NO_DELEGATION:
        message = f"FTS has no proxy that we delegated: {text}"
        if credential.kind == "none":
            message += "; it wants X.509: name a proxy of yours with credential: of the service"
        return BadCredential(message, code=NO_DELEGATION, phase="authenticate")
    if answer.status_code == 401:
        message = f"FTS does not know who we are: {text}"
        return BadCredential(message, code=401, phase="authenticate")
    if answer.status_code == 409 and method == "POST":
        return Exists(f"FTS: {text}", code=409, side="service")
    return classify.http(answer.status_code, text, answer.url, credential, method, side="service")
