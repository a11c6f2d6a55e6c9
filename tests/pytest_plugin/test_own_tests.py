from __future__ import annotations

import json

import pytest

from lakecheck.documents import read
from lakecheck.documents.junit import address
from lakecheck.documents.junit_reader import read_junit
from tests.pytest_plugin.conftest import Bench

OWN = """\
import pytest

@pytest.mark.lakecheck(protocols=["davs"], driver="memory", timeout="3s")
def test_space(endpoint, storage, rse, credential):
    assert endpoint.rse == rse.name
    assert credential.name == "none"
    storage.write("probe", b"hello")
    assert storage.read("probe") == b"hello"
    assert storage.stat("probe").size == 5
    assert len(storage.checksum("probe")) == 8
    assert rse.name != "BETA", "no space left on BETA"

def test_link(link):
    source, destination = link
    assert source.rse != destination.rse

def test_rse(rse):
    assert rse.endpoints

def test_plain():
    assert True
"""
PLANNED = {
    "test_space::ALPHA.davs.call": "passed",
    "test_space::BETA.davs.call": "failed",
    "test_link::ALPHA~BETA.davs.call": "passed",
    "test_link::BETA~ALPHA.davs.call": "passed",
    "test_rse::ALPHA.call": "passed",
    "test_rse::BETA.call": "passed",
}


def test_own_tests_run_over_the_inventory_and_leave_documents(bench: Bench) -> None:
    bench.spec()
    bench.own(OWN)
    result = bench.run("tests")
    assert result.ret == 1
    result.assert_outcomes(passed=6, failed=1)
    assert bench.statuses() == PLANNED
    failed = next(each for each in read(bench.folder / "out") if each["status"] == "failed")
    assert failed["kind"] == "python"
    assert "no space left on BETA" in failed["error.message"]
    assert failed["endpoint"] == "davs://beta.example.org:443/data"
    plan = json.loads((bench.folder / "out/plan.json").read_text())
    assert set(plan["checks"]) == set(PLANNED)


def test_the_same_under_xdist_beside_specs(bench: Bench) -> None:
    bench.spec()
    bench.own(OWN)
    result = bench.run("tests", "specs", "-n", "2")
    assert result.ret == 1
    statuses = bench.statuses()
    assert {name: statuses[name] for name in PLANNED} == PLANNED
    assert len(statuses) == len(PLANNED) + 17


def test_what_a_test_leaves_is_removed(bench: Bench) -> None:
    bench.spec()
    bench.own(OWN)
    bench.run("tests")
    lines = [
        json.loads(line) for line in (bench.folder / "out/created.ndjson").read_text().splitlines()
    ]
    created = [line["url"] for line in lines if not line.get("gone")]
    gone = [line["url"] for line in lines if line.get("gone")]
    assert len(created) == 2
    assert sorted(created) == sorted(gone)


def test_marks_narrow(bench: Bench) -> None:
    bench.spec()
    bench.own(
        "import pytest\n"
        "@pytest.mark.lakecheck(on='country=FR')\n"
        "def test_french(endpoint):\n    assert endpoint.rse == 'BETA'\n"
    )
    assert bench.run("tests").ret == 0
    assert bench.statuses() == {"test_french::BETA.davs.call": "passed"}


@pytest.mark.parametrize("options", [["-k", "test_space::ALPHA.davs.call"], ["-m", "python"]])
def test_addresses_and_kind_select(bench: Bench, options: list[str]) -> None:
    bench.spec()
    bench.own(OWN)
    bench.run("tests", "specs", *options)
    wanted = set(PLANNED) if "-m" in options else {"test_space::ALPHA.davs.call"}
    assert set(bench.statuses()) == wanted


def test_options_narrow(bench: Bench) -> None:
    bench.spec()
    bench.own("def test_any(endpoint):\n    assert endpoint.port\n")
    assert bench.run("tests", "--rse", "ALPHA", "--protocol", "root").ret == 0
    assert bench.statuses() == {"test_any::ALPHA.root.call": "passed"}


def test_a_storage_that_hangs_ends_at_the_deadline(bench: Bench) -> None:
    text = "driver: {name: memory, faults: {upload: hang}}, endpoints: ['davs://a.example.org:1/d']"
    bench.spec(text=f"lakecheck: 1\ninventory: {{rses: {{ALPHA: {{{text}}}}}}}\n")
    bench.own(
        "import pytest\n"
        "@pytest.mark.lakecheck(timeout=1)\n"
        "def test_hung(storage):\n    storage.write('a', b'1')\n"
    )
    assert bench.run("tests").ret == 1
    (document,) = read(bench.folder / "out")
    assert document["status"] == "failed"
    assert document["error.class"] == "timeout"
    assert document["duration"] < 10


def test_a_mistake_in_the_test_is_the_testers(bench: Bench) -> None:
    bench.spec()
    bench.own("def test_wrong(rse):\n    undefined\n")
    assert bench.run("tests").ret == 10
    assert set(bench.statuses().values()) == {"error"}


def test_skips_have_their_reason(bench: Bench) -> None:
    bench.spec()
    bench.own("import pytest\ndef test_later(rse):\n    pytest.skip('not yet here')\n")
    assert bench.run("tests").ret == 0
    assert {each["reason"] for each in read(bench.folder / "out")} == {"not yet here"}


def test_only_the_storages_time_counts(bench: Bench) -> None:
    bench.spec()
    bench.own(
        "import pytest, time\n"
        "@pytest.mark.lakecheck(timeout=1, driver='memory', on='BETA')\n"
        "def test_slow(storage):\n    time.sleep(1.5)\n    storage.write('a', b'1')\n"
    )
    assert bench.run("tests").ret == 0


def test_an_expected_failure_is_skipped_with_its_reason(bench: Bench) -> None:
    bench.spec()
    bench.own(
        "import pytest\n"
        "@pytest.mark.xfail(reason='ticket 7')\n"
        "def test_known(rse):\n    assert rse is None\n"
    )
    assert bench.run("tests").ret == 0
    reasons = {each["reason"] for each in read(bench.folder / "out")}
    assert reasons == {"it failed, as expected: ticket 7"}


def test_an_unexpected_pass_fails_if_that_is_strict(bench: Bench) -> None:
    bench.spec()
    bench.own(
        "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_mended(rse):\n    assert rse\n"
    )
    assert bench.run("tests").ret == 1
    assert set(bench.statuses().values()) == {"failed"}


def test_names_stay_in_the_tests_own_corner(bench: Bench) -> None:
    bench.spec()
    bench.own(
        "import pytest\n"
        "@pytest.mark.lakecheck(driver='memory', on='BETA')\n"
        "def test_out(storage):\n    storage.write('x/../../up', b'1')\n"
    )
    assert bench.run("tests").ret == 10
    (document,) = read(bench.folder / "out")
    assert "leads out of the test's own corner" in document["error.message"]


def test_a_test_that_ends_its_process_is_the_testers(bench: Bench) -> None:
    bench.spec()
    bench.own("import os\ndef test_gone(endpoint):\n    os._exit(3)\n")
    assert bench.run("tests", "-n", "2").ret != 0
    documents = list(read(bench.folder / "out"))
    assert {(each["status"], each["error.class"]) for each in documents} == {("error", "tester")}
    assert len(documents) == 3


def test_of_two_tests_of_one_name_only_the_one_that_died_is_blamed(bench: Bench) -> None:
    bench.spec()
    bench.own("import os\ndef test_same(rse):\n    os._exit(3)\n", name="test_a")
    bench.own("def test_same(rse):\n    assert rse\n", name="test_b")
    bench.run("tests", "-n", "2")
    assert bench.statuses() == {
        "test_a.test_same::ALPHA.call": "error",
        "test_a.test_same::BETA.call": "error",
        "test_b.test_same::ALPHA.call": "passed",
        "test_b.test_same::BETA.call": "passed",
    }


SECRET = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyb2JvdCJ9.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_secrets_are_masked_in_all_that_pytest_says(bench: Bench, options: list[str]) -> None:
    bench.spec()
    (bench.folder / "tests/token.txt").write_text(SECRET)
    bench.own(
        "import pathlib\n"
        "TOKEN = pathlib.Path(__file__).with_name('token.txt').read_text()\n"
        "def test_told(rse):\n    print('sent', TOKEN)\n    raise OSError(f'Bearer {TOKEN}')\n"
        "def test_compared(rse):\n    assert TOKEN == 'none'\n"
    )
    result = bench.run("tests", "--junitxml", "all.xml", *options)
    said = result.stdout.str() + result.stderr.str()
    files = [each for each in bench.folder.rglob("*") if each.is_file()]
    written = {each.name: each.read_text(errors="replace") for each in files}
    written.pop("token.txt")
    assert "OSError" in said
    assert SECRET not in said
    assert [name for name, text in written.items() if SECRET in text] == []


OUTCOMES = """\
import pytest

@pytest.fixture
def broken(request):
    if request.node.callspec.id == "BETA.davs":
        raise OSError("no such table")
    yield
    if request.function.__name__.startswith("test_late"):
        raise OSError("not removed")

@pytest.mark.lakecheck(protocols=["davs"], driver="memory")
@pytest.mark.parametrize("size", [1, 2])
def test_good(endpoint, storage, size, record_property):
    record_property("status", "fine")

def test_bad(rse, broken):
    assert rse.name == "BETA", "отказ <&"

@pytest.mark.lakecheck(protocols=["davs"])
def test_broken(endpoint, broken): ...

def test_late(rse, broken): ...

def test_late_and_bad(rse, broken):
    assert not rse

@pytest.mark.skip(reason="tape")
def test_skipped(rse): ...

@pytest.mark.xfail(reason="not yet")
def test_expected(rse):
    assert not rse
"""


@pytest.mark.parametrize("options", [[], ["-n", "2"]])
def test_pytests_junit_holds_the_documents_of_own_tests(bench: Bench, options: list[str]) -> None:
    bench.spec()
    bench.own(OUTCOMES)
    result = bench.run("specs", "tests", "--junitxml", "all.xml", *options)
    assert result.ret == 1

    of_run = {each["_id"]: each for each in read(bench.folder / "out")}
    found = list(read_junit(bench.folder / "all.xml"))

    assert {each["_id"]: each for each in found} == of_run
    assert {each["status"] for each in found if each["kind"] == "python"} == {
        "passed",
        "failed",
        "error",
        "skipped",
    }


def test_pytests_junit_holds_the_document_of_a_test_that_died(bench: Bench) -> None:
    bench.spec()
    bench.own("import os\ndef test_gone(endpoint):\n    os._exit(3)\n")
    bench.run("tests", "-n", "2", "--junitxml", "all.xml")
    found = list(read_junit(bench.folder / "all.xml"))
    assert len(found) == 3
    assert {each["_id"]: each for each in found} == {
        each["_id"]: each for each in read(bench.folder / "out")
    }


def test_equal_names_in_two_modules_stay_apart(bench: Bench) -> None:
    bench.spec()
    for module in ("test_a", "test_b"):
        bench.own("def test_same(rse):\n    assert rse\n", name=module)
    assert bench.run("tests").ret == 0
    names = {address(document).split("::")[0] for document in read(bench.folder / "out")}
    assert names == {"test_a.test_same", "test_b.test_same"}


def test_without_a_spec_there_is_a_way_out(bench: Bench) -> None:
    bench.own("def test_any(endpoint):\n    assert endpoint\n")
    (bench.folder / "specs").rmdir()
    result = bench.run("tests")
    assert result.ret == 4
    assert "put one into specs/" in result.stdout.str()


def test_tests_that_have_nothing_to_do_with_lakes_leave_no_trace(bench: Bench) -> None:
    bench.spec()
    bench.own("def test_plain():\n    assert True\n")
    assert bench.run("tests").ret == 0
    assert not (bench.folder / "out").exists()
