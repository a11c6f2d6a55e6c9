from __future__ import annotations

import json
from pathlib import Path

import pytest

from lakecheck import spec as language
from lakecheck.cli import call
from lakecheck.spec.kinds import declarable

GOOD = """\
lakecheck: 1
inventory:
  rses:
    DESY-DCACHE:
      endpoints: ["davs://dcache.desy.de:2880/pnfs/a-rather-long/prefix/that-must-not-be-cut-anywhere",
                  "root://dcache.desy.de:1094//pnfs"]
      attributes: {country: DE, tape: true}
    CNAF: {endpoints: ["davs://storm.cnaf.it:8443"]}
tests:
  gfal: {kind: functional}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("specs").mkdir()
    Path("specs/a.lake.yaml").write_text(GOOD)


def test_validate_takes_the_folder_specs(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["validate"]) == 0
    assert capsys.readouterr().out == "1 file, 2 RSEs, 1 test: valid\n"


def test_validate_says_all_faults_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    Path("b.lake.yaml").write_text("lakecheck: 1\nbudgt: {}\ntests: {a: {kind: tcp}}\n")

    assert call(["validate", "b.lake.yaml"]) == 4
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        'b.lake.yaml:2:1: unknown key "budgt"; '
        "known here: lakecheck, include, inventory, credentials, services, tests, publish, consume",
        'b.lake.yaml:3:19: tests.a.kind: there is no kind "tcp"; did you mean "tpc"? '
        f"Installed: {', '.join(declarable())}",
    ]


def test_validate_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["validate", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "valid": True,
        "files": 1,
        "rses": 2,
        "tests": 1,
        "faults": [],
    }
    Path("b.lake.yaml").write_text("lakecheck: 2\n")

    assert call(["validate", "--json", "b.lake.yaml"]) == 4
    assert json.loads(capsys.readouterr().out) == {
        "valid": False,
        "faults": [
            {
                "file": "b.lake.yaml",
                "line": 1,
                "column": 12,
                "message": "lakecheck: expected 1, the version of this language, found 2",
            }
        ],
    }


def test_a_path_that_is_not_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["validate", "nowhere"]) == 4
    assert capsys.readouterr().err == "there is no file or folder nowhere\n"


def test_schema_is_printed_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == language.schema()


def test_inventory_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["inventory", "show", "--json"]) == 0
    rses = json.loads(capsys.readouterr().out)["rses"]

    assert list(rses) == ["DESY-DCACHE", "CNAF"]
    assert rses["DESY-DCACHE"]["endpoints"][1] == "root://dcache.desy.de:1094//pnfs"
    assert rses["DESY-DCACHE"]["attributes"] == {"country": "DE", "tape": True}
    assert rses["CNAF"] == {
        "endpoints": ["davs://storm.cnaf.it:8443"],
        "attributes": {},
        "credential": "none",
        "from": "specs/a.lake.yaml:8",
    }


def test_inventory_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["inventory", "show"]) == 0
    head, first, second, *_ = capsys.readouterr().out.splitlines()

    assert head.split() == ["RSE", "endpoints", "attributes", "credential", "from"]
    assert first.split()[1].endswith("that-must-not-be-cut-anywhere")
    assert first.split()[2] == "country=DE"
    assert second.split() == ["root://dcache.desy.de:1094//pnfs", "tape=true"]


@pytest.mark.parametrize(
    ("more", "shown"),
    [
        ("sizes: {1MB: 15m, 2MB: 8h}", ["15m…8h", "96×"]),
        ("sizes: [1MB], every: 90m", ["1h30m", "16×"]),
        ("sizes: [1MB], every: 1h", ["1h", "24×"]),
        ("sizes: [1MB]", ["–", "1×"]),
    ],
)
def test_the_plan_tells_how_often_a_test_runs(
    more: str, shown: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rse = '{endpoints: ["davs://a.example.org:1/x"]}'
    text = f"lakecheck: 1\ninventory: {{rses: {{A: {rse}}}}}\n"
    Path("b.lake.yaml").write_text(f"{text}tests: {{f: {{kind: functional, {more}}}}}\n")

    assert call(["plan", "b.lake.yaml"]) == 0

    row = capsys.readouterr().out.splitlines()[1]
    assert row.split()[-2:] == shown
