"""The transfer service as a program without FTS's client asks it: raw HTTP."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import urllib3

from lakecheck.devlake import Lake

ENDED = ("FINISHED", "FAILED", "FINISHEDDIRTY", "CANCELED")


class Fts:
    """One caller; without a certificate it is nobody on plain http."""

    def __init__(self, lake: Lake, certificate: str = "", token: str = "") -> None:
        settings = lake.services["fts"]
        self.lake = lake
        self.base = settings["url"] if certificate or token else settings["plain"]
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.pool = urllib3.PoolManager(
            ca_certs=settings["ca"],
            cert_file=certificate or None,
            key_file=certificate or None,
            retries=False,
        )

    def ask(self, method: str, path: str, body: Any = None, timeout: float = 20) -> tuple[int, Any]:
        """Status and decoded answer."""
        sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        found = self.pool.request(
            method, self.base + path, body=sent, headers=self.headers, timeout=timeout
        )
        text = found.data.decode()
        is_json = found.headers.get("Content-Type", "").startswith("application/json")
        return found.status, json.loads(text) if is_json else text

    def submit(self, *files: Mapping[str, Any], **params: Any) -> str:
        """Submit a job that is accepted; its id."""
        status, told = self.ask("POST", "//jobs", {"files": list(files), "params": params})
        assert status == 200, told
        return str(told["job_id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """A job with all its files."""
        status, job = self.ask("GET", f"/jobs/{job_id}")
        assert status == 200, job
        return {**job, "files": self.ask("GET", f"/jobs/{job_id}/files")[1]}

    def ended(self, job_id: str, within: float = 60) -> dict[str, Any]:
        """Wait for a job's end."""
        return self.until(job_id, lambda job: job["job_state"] in ENDED, within)

    def until(self, job_id: str, met: Any, within: float = 30) -> dict[str, Any]:
        """Wait until a job is as wanted."""
        deadline = time.monotonic() + within
        while not met(job := self.job(job_id)):
            assert time.monotonic() < deadline, job
            time.sleep(0.05)
        return job

    def run(self, *files: Mapping[str, Any], **params: Any) -> dict[str, Any]:
        """Submit a job and wait for its end."""
        return self.ended(self.submit(*files, **params))


def file(source: str | list[str], destination: str, **more: Any) -> dict[str, Any]:
    """One entry of a submission's files."""
    sources = [source] if isinstance(source, str) else source
    return {"sources": sources, "destinations": [destination], **more}
