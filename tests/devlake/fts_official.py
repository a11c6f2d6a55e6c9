"""What a user of FTS's own Python client does; run as a program, which prints JSON.

`fts_official.py URL PROXY CA_FOLDER SOURCE DESTINATION`
"""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from typing import Any

import fts3.rest.client.easy as fts3  # type: ignore[import-not-found]


def main(url: str, proxy: str, ca: str, source: str, destination: str) -> dict[str, Any]:
    context = fts3.Context(url, proxy, proxy, verify=True, capath=ca)
    told: dict[str, Any] = {"who": fts3.whoami(context)}
    try:
        context.post_json("/jobs", {"files": [{"sources": [source], "destinations": [source]}]})
    except fts3.exceptions.NeedDelegation as error:
        told["before"] = type(error).__name__
    told["delegated"] = fts3.delegate(context, lifetime=timedelta(hours=9), force=True)
    transfer = fts3.new_transfer(source, destination, metadata={"n": 1}, activity="Tests")
    job = fts3.new_job([transfer], verify_checksum="both", metadata={"m": 2}, retry=0)
    job_id = fts3.submit(context, job)
    deadline = time.monotonic() + 60
    while not (status := fts3.get_job_status(context, job_id, list_files=True))["job_finished"]:
        assert time.monotonic() < deadline, status
        time.sleep(0.1)
    told["status"] = status
    told["statuses"] = fts3.get_jobs_statuses(context, [job_id, job_id], list_files=True)
    listed = fts3.list_jobs(context, state_in=["FINISHED"], delegation_id=told["delegated"])
    told["listed"] = listed
    told["canceled"] = fts3.cancel(context, job_id)["job_state"]
    try:
        fts3.get_job_status(context, "nothing")
    except fts3.exceptions.NotFound as error:
        told["unknown"] = type(error).__name__
    try:
        fts3.submit(context, fts3.new_job([fts3.new_transfer("file:///x", destination)]))
    except fts3.exceptions.ClientError as error:
        told["refused"] = str(error)
    return told


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))  # noqa: T201
