from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from lakecheck.documents import read
from lakecheck.documents.junit import address, properties
from tests.pytest_plugin.conftest import Bench

STEPS = ("upload", "stat", "checksum", "download", "delete")
STORES = [
    f"store::{place}.100B.{step}"
    for place in ("ALPHA.davs", "ALPHA.root", "BETA.davs")
    for step in STEPS
]
MOVES = ["move::ALPHA~BETA.davs.1kB.copy", "move::BETA~ALPHA.davs.1kB.copy"]


def test_every_check_is_an_item_with_its_address(bench: Bench) -> None:
    bench.spec()
    result = bench.run("specs", "--collect-only", "-q")
    assert result.ret == 0
    listed = [line.partition("::")[2] for line in result.outlines if "::" in line]
    assert listed == STORES + MOVES
    assert not (bench.folder / "out").exists()


def test_all_pass_and_leave_documents_plan_and_views(bench: Bench) -> None:
    bench.spec()
    result = bench.run("specs")
    assert result.ret == 0
    result.assert_outcomes(passed=17)
    assert bench.statuses() == dict.fromkeys(STORES + MOVES, "passed")
    plan = json.loads((bench.folder / "out/plan.json").read_text())
    assert plan["checks"] == STORES + MOVES
    for name in ("junit.xml", "report.html", "created.ndjson"):
        assert (bench.folder / "out" / name).exists()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["-k", "stat"], [name for name in STORES if name.endswith("stat")]),
        (["-m", "tpc"], MOVES),
        (["-m", "functional", "--protocol", "root"], STORES[5:10]),
        (["--rse", "BETA"], STORES[10:] + MOVES),
    ],
)
def test_selection_options(bench: Bench, options: list[str], expected: list[str]) -> None:
    bench.spec()
    result = bench.run("specs", *options)
    assert result.ret == 0
    assert list(bench.statuses()) == expected or set(bench.statuses()) == set(expected)


def test_nothing_selected_is_code_5(bench: Bench) -> None:
    bench.spec()
    assert bench.run("specs", "-k", "nothing-has-this-name").ret == 5


def test_a_failure_is_a_sentence_with_what_repeats_it_and_no_traceback(bench: Bench) -> None:
    bench.spec("on: {BETA: {faults: {download: denied}}}")
    result = bench.run("specs")
    assert result.ret == 1
    text = result.stdout.str()
    assert "download from BETA over davs failed" in text
    assert "denied" in text
    assert "Traceback" not in text
    assert "runtest" not in text
    assert bench.statuses()["store::BETA.davs.100B.download"] == "failed"


def test_blocked_and_tester_errors(bench: Bench) -> None:
    bench.spec("on: {ALPHA: {faults: {upload: crash}}, BETA: {faults: {upload: full}}}")
    result = bench.run("specs", "-m", "functional")
    assert result.ret == 1
    statuses = bench.statuses()
    assert statuses["store::ALPHA.davs.100B.upload"] == "error"
    assert statuses["store::BETA.davs.100B.upload"] == "failed"
    assert statuses["store::BETA.davs.100B.stat"] == "blocked"
    result.assert_outcomes(errors=2, failed=1)
    result.stdout.fnmatch_lines(["*12 blocked*"])


def test_only_tester_errors_are_code_10(bench: Bench) -> None:
    bench.spec("on: {ALPHA: {faults: {upload: crash}}}")
    assert bench.run("specs", "-m", "functional").ret == 10


def test_needed_steps_run_without_a_document(bench: Bench) -> None:
    bench.spec()
    result = bench.run("specs", "-k", "download")
    assert result.ret == 0
    assert set(bench.statuses()) == {name for name in STORES if name.endswith("download")}


def test_a_needed_step_that_fails_blocks_the_selected_one(bench: Bench) -> None:
    bench.spec("on: {BETA: {faults: {upload: full}}}")
    result = bench.run("specs", "-k", "download and BETA")
    assert result.ret == 1
    assert bench.statuses() == {"store::BETA.davs.100B.download": "blocked"}


def test_exitfirst_leaves_not_run_for_what_was_not_reached(bench: Bench) -> None:
    bench.spec("on: {ALPHA: {faults: {upload: denied}}, BETA: {latency: 400ms}}")
    result = bench.run("specs", "-x")
    assert result.ret == 1
    statuses = bench.statuses()
    assert set(statuses) == set(STORES + MOVES)
    assert statuses["store::ALPHA.davs.100B.upload"] == "failed"
    assert "not_run" in statuses.values()


def test_last_failed(bench: Bench) -> None:
    bench.spec("on: {BETA: {faults: {stat: missing}}}")
    assert bench.run("specs").ret == 1
    second = bench.pytester.runpytest_subprocess("--reports", "again", "specs", "--lf")
    assert second.ret == 1
    found = {address(document) for document in read(bench.folder / "again")}
    assert found == {"store::BETA.davs.100B.stat"}


def test_junitxml_has_every_field_of_every_document(bench: Bench) -> None:
    bench.spec("on: {BETA: {faults: {download: denied, upload: full}}}")
    bench.run("specs", "--junitxml", "j.xml")
    told = {}
    root = ET.parse(bench.folder / "j.xml").getroot()
    for case in root.iter("testcase"):
        fields = {each.get("name"): each.get("value") for each in case.iter("property")}
        told[f"{fields['test']}::{fields['case']}.{fields['check']}"] = fields
        wanted = {"failed": "failure", "blocked": "skipped", "error": "error"}
        if fields["status"] in wanted:
            assert case.find(wanted[str(fields["status"])]) is not None
    assert told == {
        address(document): dict(properties(document)) for document in read(bench.folder / "out")
    }


def test_node_ids_of_xdist_and_of_one_process_are_the_same(bench: Bench) -> None:
    bench.spec("on: {BETA: {faults: {stat: missing}}}")
    alone = bench.run("specs", "-rA", "-p", "no:cacheprovider")
    first = bench.statuses()
    (bench.folder / "out").rename(bench.folder / "alone")
    shared = bench.run("specs", "-rA", "-n", "2", "-p", "no:cacheprovider")
    assert alone.ret == shared.ret == 1
    assert bench.statuses() == first

    def told(result: pytest.RunResult) -> set[str]:
        words = ("PASSED", "FAILED", "ERROR")
        return {line.split(" - ")[0] for line in result.outlines if line.startswith(words)}

    assert told(alone) == told(shared)
    assert len(told(alone)) == 17


def test_several_files_form_one_spec_and_each_yields_its_own_tests(bench: Bench) -> None:
    bench.spec(
        text=(
            SHARED := "lakecheck: 1\ninventory: {rses: {ALPHA: {endpoints: "
            "['davs://alpha.example.org:443/data'], driver: memory}}}\n"
        ),
        name="rses",
    )
    assert SHARED
    for name in ("one", "two"):
        bench.spec(
            name=name,
            text=f"include: rses.lake.yaml\ntests: {{{name}: {{kind: functional}}}}\n",
        )
    result = bench.run("specs")
    assert result.ret == 0
    result.assert_outcomes(passed=10)
    only = bench.pytester.runpytest_subprocess("--reports", "b", "specs/one.lake.yaml", "-v")
    only.assert_outcomes(passed=5)


@pytest.mark.parametrize("options", [[], ["-x"], ["-n", "2"]])
def test_a_faulty_spec_is_sentences_and_code_4(bench: Bench, options: list[str]) -> None:
    bench.spec(text="lakecheck: 1\ntests: {a: {kind: functionl}}\n")
    bench.own("def test_plain():\n    assert True\n")
    result = bench.run("specs", "tests", *options)
    assert result.ret == 4
    text = result.stdout.str() + result.stderr.str()
    assert 'did you mean "functional"' in text
    assert "specs/demo.lake.yaml:2:" in text
    assert "Traceback" not in text


def test_an_unknown_name_is_told_with_what_is_near(bench: Bench) -> None:
    bench.spec()
    result = bench.run("specs", "--rse", "BETTA")
    assert result.ret == 4
    assert 'there is no RSE "BETTA"; did you mean "BETA"?' in result.stdout.str()


def test_a_used_folder_is_refused(bench: Bench) -> None:
    bench.spec()
    assert bench.run("specs").ret == 0
    second = bench.run("specs")
    assert second.ret == 4
    assert "another run's documents" in second.stdout.str() + second.stderr.str()


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("store::ALPHA.davs.100B.upload", "store::ALPHA.davs.100B.upload"),
        ("move::ALPHA~BETA.davs.1kB.copy", "move::ALPHA~BETA.davs.1kB.copy"),
    ],
)
def test_an_address_selects_its_check(bench: Bench, asked: str, found: str) -> None:
    bench.spec()
    assert bench.run("specs", "-k", asked).ret == 0
    assert set(bench.statuses()) == {found}


@pytest.mark.parametrize("options", ["-k a+b+/(", "-k ( -n 2", "-m ( -n 2"])
def test_a_faulty_selection_starts_nothing(bench: Bench, options: str) -> None:
    bench.spec()
    result = bench.run("specs", *options.split())
    assert result.ret == 4
    assert "Wrong expression passed" in result.stderr.str()
    assert not (bench.folder / "out/results.ndjson").exists()


COMMANDS = """\
lakecheck: 1
inventory: {rses: {ALPHA: {endpoints: ["davs://127.0.0.1:1/x"]}}}
tests:
  say: {kind: command, run: [echo, "{host}"]}
  grumble: {kind: command, run: [sh, -c, "echo too little; exit 1"]}
  beat: {kind: service, urls: {nobody: "http://127.0.0.1:1/"}}
"""


def test_commands_and_services_are_items_with_marks(bench: Bench) -> None:
    bench.spec(text=COMMANDS)

    result = bench.run("specs", "--strict-markers", "-m", "command or service", "-W", "error")

    assert result.ret == 1
    result.stdout.fnmatch_lines(["*error*too little*", "*repeat*export LAKECHECK_RSE=ALPHA*"])
    assert bench.statuses() == {
        "say::ALPHA.davs.command": "passed",
        "grumble::ALPHA.command": "failed",
        "beat::nobody.answer": "failed",
    }
