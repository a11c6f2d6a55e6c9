"""`lakecheck inventory update` and `diff`, `init`, and runs over catalogues."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakecheck import spec as language
from lakecheck.cli import call
from tests.engine.runs import documents
from tests.inventory.samples import FTS, PLAIN, doma, encoded, export
from tests.inventory.server import Cric, serving

SPEC = """\
lakecheck: 1
inventory:
  cric: {url: "%s"%s}
tests:
  f: {kind: functional, timeout: 5s, driver: memory}
"""


@pytest.fixture
def cric() -> Iterator[Cric]:
    with serving() as found:
        found.lists("A", "B")
        yield found


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("CI", "LAKECHECK_RUN", "CI_JOB_URL", "X509_USER_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Path("specs").mkdir()
    return tmp_path


def write(cric: Cric, more: str = "") -> Path:
    path = Path("specs/a.lake.yaml")
    path.write_text(SPEC % (cric.url, more))
    return path


def places(folder: str) -> set[str]:
    return {document["rse"] for document in documents(Path(folder))}


def test_a_run_tests_what_the_catalogue_has_now(
    cric: Cric, capsys: pytest.CaptureFixture[str]
) -> None:
    write(cric)
    assert call(["run", "-q", "-o", "one"]) == 0
    cric.lists("B", "C")
    capsys.readouterr()

    assert call(["run", "-q", "-o", "two"]) == 0

    assert capsys.readouterr().err == "inventory: cric: +C -A\n"
    assert (places("one"), places("two")) == ({"A", "B"}, {"B", "C"})


def test_the_lock_serves_when_the_catalogue_is_silent(
    cric: Cric, capsys: pytest.CaptureFixture[str]
) -> None:
    write(cric)
    assert call(["run", "-q"]) == 0
    os.utime("specs/cric.lock.json", (time.time() - 605,) * 2)
    cric.statuses = [503, 503]
    capsys.readouterr()

    assert call(["run", "-q", "-o", "out"]) == 0

    told = capsys.readouterr().err
    assert told.startswith(f'inventory: cric: "{cric.url[:50]}')
    assert "it answered 503 Service Unavailable; the lock specs/cric.lock.json serves, 10m" in told
    assert places("out") == {"A", "B"}


@pytest.mark.parametrize("command", [["run"], ["inventory", "update"]])
def test_a_silent_catalogue_without_a_lock(
    cric: Cric, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(cric)
    cric.statuses = [404]

    assert call(command) == 10

    told = capsys.readouterr().err
    assert "it answered 404 Not Found; and there is no lock specs/cric.lock.json to pl" in told
    assert "Traceback" not in told
    assert not Path("reports").exists()


@pytest.mark.parametrize("command", [["plan"], ["validate"], ["inventory", "show"]])
def test_looking_reads_no_catalogue(
    cric: Cric, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    write(cric)
    assert call(command) == 4
    assert "there is no lock specs/cric.lock.json yet" in capsys.readouterr().err
    assert call(["inventory", "update"]) == 0
    asked = cric.asked

    assert call(command) == 0
    assert cric.asked == asked


def test_a_frozen_catalogue(cric: Cric, capsys: pytest.CaptureFixture[str]) -> None:
    write(cric, ", frozen: true")
    assert call(["run"]) == 4
    assert cric.asked == 0
    assert call(["inventory", "update"]) == 0
    cric.lists("C")

    assert call(["run", "-q", "-o", "out"]) == 0
    assert places("out") == {"A", "B"}


def test_update_shows_what_changed(cric: Cric, capsys: pytest.CaptureFixture[str]) -> None:
    write(cric)
    assert call(["inventory", "update"]) == 0
    cric.says({"rses": {"A": doma()["rses"]["CNAF-STORM"] | {"country_name": "DE"}}})
    capsys.readouterr()

    assert call(["inventory", "update"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "~ A",
        "    - davs://a.org:443/x",
        "    + davs://storm.cnaf.it:8443/escape/no/slash",
    ]
    assert "- B" in lines
    assert "cric: 1 removed, 1 changed; 1 RSE in specs/cric.lock.json" in lines
    assert lines[-1] == "    A srm://storm.cnaf.it:8444/srm: SRM endpoints are not tested"
    assert call(["inventory", "update"]) == 0
    assert capsys.readouterr().out.startswith("cric: no differences; 1 RSE in ")


def test_update_as_json(cric: Cric, capsys: pytest.CaptureFixture[str]) -> None:
    write(cric)
    cric.says(doma())
    assert call(["inventory", "update", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["catalogues"]

    assert (found["catalogue"], found["rses"], found["trouble"]) == ("cric", 6, None)
    assert len(found["added"]) == 6
    assert len(found["ignored"]) == 8
    cric.statuses = [403]
    assert call(["inventory", "update", "--json"]) == 10
    (found,) = json.loads(capsys.readouterr().out)["catalogues"]
    assert "403 Forbidden" in found["trouble"]


def test_update_without_a_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    Path("specs/a.lake.yaml").write_text("lakecheck: 1\n")

    assert call(["inventory", "update"]) == 4
    assert "these specs name no catalogue; write one" in capsys.readouterr().err


def test_diff_compares_catalogues(cric: Cric, capsys: pytest.CaptureFixture[str]) -> None:
    write(cric)
    Path("dump.json").write_bytes(encoded(export()))
    call(["inventory", "update"])
    capsys.readouterr()

    assert call(["inventory", "diff", "lock", "cric"]) == 0
    assert capsys.readouterr().out == "no differences\n"
    assert call(["inventory", "diff", "specs/cric.lock.json", "rucio:dump.json"]) == 2
    assert capsys.readouterr().out.endswith("1 added, 2 removed\n")
    assert call(["inventory", "diff", "--json", f"cric:{cric.url}", "rucio:dump.json"]) == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["added"], found["removed"]) == (["DESY-DCACHE"], ["A", "B"])


@pytest.mark.parametrize(
    ("operand", "code", "told"),
    [
        ("crick", 4, 'there is no catalogue or lock "crick"; did you mean "cric"?; write cric, '),
        ("rucio", 4, "these specs have no inventory.rucio; they name cric"),
        ("lock", 4, "there is no lock specs/cric.lock.json yet; `lakecheck inventory update`"),
        ("specs/a.lake.yaml", 4, "specs/a.lake.yaml is no lock of an inventory"),
        ("fts:none.json", 10, 'fts_config: "none.json" cannot be used: no such file'),
        ("cric:specs/a.lake.yaml", 10, "cannot be used: it is not JSON"),
    ],
)
def test_what_diff_cannot_compare(
    cric: Cric, operand: str, code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(cric)

    assert call(["inventory", "diff", operand, "cric"]) == code
    assert told in capsys.readouterr().err


SAMPLES = {"cric:": doma(), "rucio:": export(), "fts:": FTS, "cric:plain-": PLAIN}


@pytest.mark.parametrize("prefix", SAMPLES)
@pytest.mark.parametrize("proxy", ["", "/tmp/proxy"])
def test_init_writes_a_spec_that_runs(
    prefix: str, proxy: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if proxy:
        monkeypatch.setenv("X509_USER_PROXY", proxy)
    Path("dump.json").write_bytes(encoded(SAMPLES[prefix]))
    path = "specs/first.lake.yaml"

    assert call(["init", "--from", f"{prefix.partition(':')[0]}:dump.json", "-o", path]) == 0

    first = "export FTS_URL=https://…, your FTS; then: " if prefix == "fts:" else ""
    assert capsys.readouterr().out.splitlines()[-1] == f"next: {first}lakecheck plan {path}"
    monkeypatch.setenv("FTS_URL", "https://fts.example.org:8446")
    assert call(["validate"]) == 0
    assert call(["plan"]) == 0
    assert call(["inventory", "update"]) == 0
    assert "no differences" in capsys.readouterr().out
    loaded = language.load([path])
    several = len(loaded.inventory.rses) > 1
    assert list(loaded.tests) == (["storage", "copies"] if several else ["storage"])
    usual = Path(f"/tmp/x509up_u{os.getuid()}")
    assert ("robot" in loaded.credentials) is bool(proxy or usual.exists())
    assert not [line for line in Path(path).read_text().splitlines() if len(line) > 100]


def test_init_of_a_url_overwrites_nothing(cric: Cric, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["init", "--from", f"cric:{cric.url}"]) == 0
    before = Path("specs/lake.lake.yaml").read_text()

    assert call(["init", "--from", f"cric:{cric.url}"]) == 4

    assert "specs/lake.lake.yaml is there already" in capsys.readouterr().err
    assert Path("specs/lake.lake.yaml").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--from", "crik:x"], 4, '--from: "crik:x" names no catalogue; did you mean "cric"?'),
        (["--from", "cric"], 4, "write rucio, cric:URL, rucio:FILE or fts:FILE"),
        (["--from", "rucio:none"], 10, 'rucio: "none" cannot be used: no such file'),
        (["--from", "rucio:none", "-o", "x.yaml"], 4, "specs end in .lake.yaml"),
        ([], 4, "--from"),
    ],
)
def test_init_from_nothing(
    arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["init", *arguments]) == code
    assert told in capsys.readouterr().err
    assert not list(Path("specs").iterdir())


@pytest.mark.parametrize("more", [[], ["-n", "2"]])
def test_pytest_that_only_collects_reads_no_catalogue(cric: Cric, more: list[str]) -> None:
    write(cric)
    call(["inventory", "update"])

    command = [sys.executable, "-m", "pytest", "-q", "specs", "--collect-only", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)

    assert (done.returncode, cric.asked) == (0, 1), done.stdout + done.stderr
    assert "f::A.davs.100B.upload" in done.stdout


@pytest.mark.parametrize("more", [[], ["-n", "2"]])
def test_pytest_reads_the_catalogue_too(here: Path, cric: Cric, more: list[str]) -> None:
    write(cric)

    def pytest_run(folder: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pytest", "-q", "specs", "--reports", folder, *more]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    done = pytest_run("one")
    assert (done.returncode, places("one")) == (0, {"A", "B"}), done.stdout + done.stderr
    assert cric.asked == 1
    cric.lists("C")
    done = pytest_run("two")
    assert (done.returncode, places("two")) == (0, {"C"}), done.stdout + done.stderr
    assert "inventory: cric: +C -A -B" in done.stdout
    Path("specs/cric.lock.json").unlink()
    cric.statuses = [404]
    done = pytest_run("three")
    assert done.returncode == 10, done.stdout + done.stderr
    assert "there is no lock specs/cric.lock.json to plan from" in done.stdout + done.stderr
