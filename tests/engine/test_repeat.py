"""The commands that repeat a check by hand, run by hand."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lakecheck import plan
from lakecheck.devlake import Lake
from lakecheck.engine import repeat
from lakecheck.spec import load
from tests.devlake.fts_client import Fts
from tests.engine.fts_lake import nothing_is_left
from tests.engine.runs import LAKECHECK, environment, write


@pytest.mark.parametrize("driver", ["gfal2", "native"])
def test_they_work_as_they_are_printed(pair: Lake, tmp_path: Path, driver: str) -> None:
    text = (
        f"lakecheck: 1\ninclude: [{pair.inventory}]\ntests:\n"
        f"  f: {{kind: functional, on: LAKE-1, sizes: [77B], driver: {driver}}}\n"
        f"  c: {{kind: tpc, protocols: [davs], sizes: [77B], modes: [pull, push],"
        f" driver: {driver}}}\n"
    )
    spec = load([write(tmp_path, text)])
    chosen = plan.select(
        plan.expand(spec), plan.Selection(keyword="download or (LAKE-1~ and copy)")
    )
    assert len(chosen) == 4

    bare = environment()
    bare.pop("GFAL_PYTHONBIN", None)
    for case, step in chosen.values():
        lines = repeat.commands(case, step, spec.credentials)
        assert case.endpoint
        exports = [line for line in lines if line.startswith("export ")]
        # Said once, in front; curl takes options instead.
        curl = driver == "native" and case.endpoint.scheme == "davs"
        assert exports == ([] if curl else lines[:1])
        if step == "copy" and driver == "gfal2":
            assert any(f"--copy-mode {case.mode} " in line for line in lines)
        done = subprocess.run(
            ["bash", "-ec", "\n".join(lines)],
            env=bare,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, (lines, done.stdout, done.stderr)
    Path("/tmp/lakecheck-77B").unlink(missing_ok=True)  # other runs use the same name
    for name in ("/tmp/lakecheck-77B.back",):
        Path(name).unlink(missing_ok=True)


def through_fts(lake: Lake, folder: Path, kind: str, checksum: str) -> Path:
    """A spec of one test, with many options, that asks FTS with a credential of this kind."""
    settings = lake.services["fts"]
    (folder / "token").write_text(settings["token"])
    url = settings["plain"] if kind == "none" else settings["url"]
    asking = {
        "none": "none: {none: true}",
        "proxy": f"c: {{x509: {{proxy: {lake.proxy}}}}}",
        "token": f"c: {{token: {{file: {folder / 'token'}}}}}",
    }[kind]
    text = (
        f"lakecheck: 1\ninclude: [{lake.inventory}]\n"
        + (f"credentials:\n  {asking}\n" if kind != "none" else "")
        + f"services:\n  mine: {{kind: fts, url: '{url}', ca: '{settings['ca']}'"
        + (", credential: c}\n" if kind != "none" else "}\n")
        + "tests:\n  c: {kind: tpc, via: mine, protocols: [davs], sizes: [78B], priority: 4,"
        f" checksum: {checksum}, retry: 1, activity: By hand, metadata: {{who: 'it''s me'}}}}\n"
    )
    return write(folder, text)


@pytest.mark.parametrize(
    ("kind", "checksum"), [("none", "both"), ("proxy", "target"), ("token", "none")]
)
def test_a_copy_through_fts_is_repeated_with_its_own_command(
    fts_lake: Lake, tmp_path: Path, kind: str, checksum: str
) -> None:
    spec = load([through_fts(fts_lake, tmp_path, kind, checksum)])
    token = fts_lake.services["fts"]["token"]
    case = next(case for case in plan.expand(spec) if case.place == "LAKE-1~LAKE-2")

    lines = repeat.commands(case, "copy", spec.credentials)

    done = subprocess.run(
        ["bash", "-ec", "\n".join(lines)],
        env=environment(PATH=f"{Path(LAKECHECK).parent}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    Path("/tmp/lakecheck-78B").unlink(missing_ok=True)
    assert done.returncode == 0, (lines, done.stdout, done.stderr)
    said = done.stdout + done.stderr
    assert "Job finished with state FINISHED" in said
    assert token not in "\n".join(lines)
    job_id = said.partition("Job id: ")[2].split()[0]
    job = Fts(fts_lake).job(job_id)
    assert (job["priority"], job["retry"], job["job_metadata"]["who"]) == (4, 1, "it's me")
    assert job["verify_checksum"] == checksum[0]
    assert job["files"][0]["activity"] == "By hand"
    nothing_is_left(fts_lake)


def test_a_step_without_tools_has_none(tmp_path: Path) -> None:
    text = "lakecheck: 1\ncredentials:\n  r: {x509: {proxy: /nowhere}}\ninventory:\n  rses:\n"
    text += "    A: {endpoints: ['davs://a.example.org:1/x']}\n"
    text += "tests:\n  f: {kind: functional, credentials: [r]}\n"
    cases = plan.expand(load([write(tmp_path, text)]))

    assert repeat.commands(cases[0], "valid", {}) == []
