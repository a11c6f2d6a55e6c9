"""The commands that repeat a check by hand, run by hand."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lakecheck import plan
from lakecheck.devlake import Lake
from lakecheck.engine import repeat
from lakecheck.spec import load
from tests.engine.runs import environment, write


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


def test_a_step_without_tools_has_none(tmp_path: Path) -> None:
    text = "lakecheck: 1\ncredentials:\n  r: {x509: {proxy: /nowhere}}\ninventory:\n  rses:\n"
    text += "    A: {endpoints: ['davs://a.example.org:1/x']}\n"
    text += "tests:\n  f: {kind: functional, credentials: [r]}\n"
    cases = plan.expand(load([write(tmp_path, text)]))

    assert repeat.commands(cases[0], "valid", {}) == []
