""".gitlab-ci.yml: GitLab's own schema, and scripts whose commands exist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from lakecheck import cli

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / ".gitlab-ci.yml"
PIPELINE: dict[str, Any] = yaml.safe_load(FILE.read_text())
JOBS = {name: job for name, job in PIPELINE.items() if isinstance(job, dict) and "script" in job}
LINES = [line for job in JOBS.values() for line in [*job["script"], *job.get("after_script", [])]]


def valid(file: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("check-jsonschema")
    schema = ["--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"]
    return subprocess.run([program, *schema, file], capture_output=True, text=True, timeout=60)


def test_it_passes_gitlabs_schema() -> None:
    outcome = valid(FILE)

    assert outcome.returncode == 0, outcome.stdout


def test_a_mistake_in_it_would_be_found(tmp_path: Path) -> None:
    wrong = tmp_path / ".gitlab-ci.yml"
    wrong.write_text(FILE.read_text().replace("when: always", "when: sometimes"))

    assert valid(wrong).returncode == 1


def test_each_stage_has_its_job() -> None:
    assert PIPELINE["stages"] == ["check", "test", "plan", "run", "ship"]
    assert {job["stage"] for job in JOBS.values()} == set(PIPELINE["stages"])


@pytest.mark.parametrize("line", LINES)
def test_its_commands_exist(line: str) -> None:
    command, *arguments = line.split()
    if command == ".venv/bin/lakecheck":
        assert arguments[0] in cli.COMMANDS
    elif "/" in command:
        assert (ROOT / command).stat().st_mode & 0o100
    else:
        assert command == "mkdir"
