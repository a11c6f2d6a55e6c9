"""The job `ship` of .gitlab-ci.yml, run as GitLab runs it: with the artefact, and nothing else."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.engine.runs import documents, environment, memory_rses, write
from tests.sinks.search import Store
from tests.sinks.test_end_to_end import TESTS, lakecheck, stored

ROOT = Path(__file__).resolve().parents[2]
PIPELINE = yaml.safe_load((ROOT / ".gitlab-ci.yml").read_text())
PUBLISHING = "ci/publish.lake.yaml"
INDEX = "lakecheck-results-*"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What the job finds: the repository's file that it names, lakecheck installed."""
    folder = tmp_path / "checkout"
    (folder / "ci").mkdir(parents=True)
    shutil.copy(ROOT / PUBLISHING, folder / PUBLISHING)
    (folder / ".venv").symlink_to(sys.prefix)
    install = folder / "ci" / "install"
    install.write_text("#!/bin/sh\n")  # all is there
    install.chmod(0o755)
    return folder


def play(job: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a job's script line by line in one shell, as GitLab's runner does."""
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(PIPELINE[job]["script"])],
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_the_artefact_alone_brings_the_documents_into_the_store(
    tmp_path: Path, checkout: Path, opensearch: Store
) -> None:
    spec = write(tmp_path, memory_rses(["ANNECY", "GENEVA"]) + TESTS)
    done = lakecheck(tmp_path, "run", spec, "-q", "-o", "reports/ci")
    assert done.returncode == 0, done.stderr
    of_run = {each["_id"] for each in documents(tmp_path / "reports/ci")}
    (checkout / "reports/ci").mkdir(parents=True)
    for file in tmp_path.glob(PIPELINE["run"]["artifacts"]["reports"]["junit"]):
        shutil.copy(file, checkout / "reports/ci")

    for _ in range(2):  # as when the job is repeated
        done = play("ship", checkout, OPENSEARCH_URL=opensearch.url, CI="true")
        assert done.returncode == 0, done.stdout + done.stderr
        assert set(stored(opensearch, INDEX)) == of_run
        shutil.rmtree(next(checkout.glob("reports/junit-*")))

    opensearch.ask("DELETE", ",".join(opensearch.indices(INDEX)))


def test_a_store_that_is_not_named_is_told(checkout: Path) -> None:
    (checkout / "reports/ci").mkdir(parents=True)
    junit = checkout / "reports/ci/junit.xml"
    junit.write_text('<testsuite name="s"><testcase classname="c" name="a"/></testsuite>')
    done = play("ship", checkout, OPENSEARCH_URL="")
    assert done.returncode == 10
    assert "OPENSEARCH_URL" in done.stderr
