"""JUnit files become documents: our own without loss, other tools' in the same schema."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakecheck.documents import junit, junit_dialects, junit_said
from lakecheck.documents.junit_reader import read_junit
from lakecheck.documents.junit_value import decoded, encoded
from lakecheck.documents.redact import HINT
from lakecheck.errors import JournalError

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
VALUES = st.recursive(
    SCALARS | st.sampled_from(["true", "null", "007", "-1", "1e5", '"quoted"', "[1", "{}", "NaN"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
NAMES = st.from_regex(r"[a-z_]+(\.[a-z_]+)?", fullmatch=True)


@settings(deadline=None)
@given(VALUES)
def test_a_value_comes_back(value: Any) -> None:
    again = decoded(encoded(value))
    assert (type(again), again) == (type(value), value)


@settings(deadline=None)
@given(st.lists(st.dictionaries(NAMES, VALUES), max_size=5))
def test_documents_come_back(
    tmp_path_factory: pytest.TempPathFactory, fields: list[dict[str, Any]]
) -> None:
    file = tmp_path_factory.getbasetemp() / "junit.xml"
    wanted = [
        {
            **each,
            "@timestamp": "2026-11-21T09:00:00.000Z",
            "_id": f"{number:032x}",
            "document": "result",
            "version": 1,
            "run.started": "2026-11-21T09:00:00.000Z",
            "test": "gfal",
            "case": "DESY.davs.100B",
            "check": "upload",
            "status": "failed",
            "duration": 0.25,
        }
        for number, each in enumerate(fields)
    ]
    for each in wanted:  # what JUnit itself takes up is text
        for name in ("reason", "error.message", "error.class"):
            each.pop(name, None)

    junit.write(file, wanted)

    assert list(read_junit(file)) == wanted


def test_a_large_file_is_split_and_nothing_is_lost(tmp_path: Path) -> None:
    wanted = [
        {
            "_id": str(number),
            "document": "result",
            "version": 1,
            "run.started": "2026-11-21T09:00:00.000Z",
            "test": f"t{number % 2}",
            "case": f"A{number}",
            "check": "upload",
            "status": "passed",
        }
        for number in range(100)
    ]

    parts = junit.write(tmp_path / "junit.xml", wanted, most=10_000)

    assert [part.name for part in parts[:2]] == ["junit.xml", "junit-2.xml"]
    assert all(part.stat().st_size < 11_000 for part in parts)
    again = [document for part in parts for document in read_junit(part)]
    assert sorted(again, key=lambda one: int(one["_id"])) == wanted


def of(folder: Path, text: str | bytes) -> list[dict[str, Any]]:
    file = folder / "TEST-x.xml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_junit(file))


def test_pytests_own(tmp_path: Path) -> None:
    (tmp_path / "test_x.py").write_text(
        "import pytest\n"
        "def test_good(record_property):\n    record_property('rse', 'CNAF'); print('hello')\n"
        "def test_bad():\n    assert 1 == 2\n"
        "@pytest.fixture\ndef broken():\n    raise OSError('no disk')\n"
        "def test_broken(broken): ...\n"
        "@pytest.mark.skip(reason='tape')\ndef test_skipped(): ...\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=x.xml"]
    subprocess.run(command, cwd=tmp_path, capture_output=True)

    found = {one["check"]: one for one in read_junit(tmp_path / "x.xml")}

    assert {name: one["status"] for name, one in found.items()} == {
        "test_good": "passed",
        "test_bad": "failed",
        "test_broken": "error",
        "test_skipped": "skipped",
    }
    assert found["test_good"]["labels.rse"] == "CNAF"
    assert found["test_good"]["case"] == "test_x"
    assert "assert 1 == 2" in found["test_bad"]["error.message"]
    assert "no disk" in found["test_broken"]["error.message"]
    assert found["test_skipped"]["reason"] == "tape"
    assert len({one["_id"] for one in found.values()}) == 4


def test_surefire_says_what_was_repeated(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        """<testsuite name="org.x.StorageTest" time="1,234.5" tests="2">
        <testcase name="flaky" classname="org.x.StorageTest" time="1,234.5">
          <flakyFailure message="once" type="java.lang.AssertionError"><stackTrace>at X
          </stackTrace></flakyFailure>
          <flakyError message="twice" type="java.io.IOException"/></testcase>
        <testcase name="lost" classname="org.x.StorageTest" time="0.5">
          <failure message="first"/><rerunFailure message="second"/>
          <rerunFailure message="third"/></testcase>
        </testsuite>""",
    )

    assert [
        (one["check"], one["document"], one["attempt"], one["status"], one.get("error.message"))
        for one in found
    ] == [
        ("flaky", "attempt", 1, "failed", "once\nat X"),
        ("flaky", "attempt", 2, "error", "twice"),
        ("flaky", "result", 3, "passed", None),
        ("lost", "attempt", 1, "failed", "first"),
        ("lost", "attempt", 2, "failed", "second"),
        ("lost", "result", 3, "failed", "third"),
    ]
    assert found[2]["duration"] == 1234.5
    assert len({one["_id"] for one in found}) == 6


def test_nested_suites_attributes_and_output(tmp_path: Path) -> None:
    (one,) = of(
        tmp_path,
        """<testsuites name="all"><testsuite name="outer" hostname="ui01"
          timestamp="2026-11-21T10:00:00+01:00"><properties><property name="site" value="CNAF"/>
          </properties><testsuite name="inner"><testcase name="quota" file="a.c" line="12"
          status="run" time="0,25"><system-out><![CDATA[bearer abc.def
          [[ATTACHMENT|shots/1.png]]]]></system-out></testcase></testsuite></testsuite></testsuites>""",
    )

    assert one["@timestamp"] == "2026-11-21T09:00:00.000Z"
    assert (one["test"], one["case"], one["check"]) == ("outer/inner", "outer/inner", "quota")
    assert (one["tester.host"], one["labels.site"]) == ("ui01", "CNAF")
    assert (one["junit.file"], one["junit.line"], one["duration"]) == ("a.c", 12, 0.25)
    assert one["junit.attachments"] == ["shots/1.png"]
    assert "abc.def" not in one["junit.output"]


def test_google_test_and_ctest_say_what_did_not_run(tmp_path: Path) -> None:
    found = of(
        tmp_path,
        """<testsuite name="s"><testcase name="a" status="notrun"/>
        <testcase name="b" status="disabled"><skipped message="Disabled"/></testcase>
        <testcase name="c" status="run" result="completed"/></testsuite>""",
    )
    assert [one["status"] for one in found] == ["skipped", "skipped", "passed"]


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf8", "UTF_8", "utf-16", "iso-8859-1", "latin1", "windows-1252"],
)
def test_encodings(tmp_path: Path, encoding: str) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    text = f'{head}<testsuite name="é"><testcase name="ü"/></testsuite>'
    (one,) = of(tmp_path, text.encode(encoding))
    assert (one["test"], one["check"]) == ("é", "ü")


def test_cases_of_the_same_name_are_kept_apart(tmp_path: Path) -> None:
    case = '<testcase name="a" classname="c" time="0"/>'
    text = f'<testsuite name="s" timestamp="2026-11-21T09:00:00">{case * 3}</testsuite>'
    found = of(tmp_path, f"<testsuites>{text}{text}</testsuites>")
    assert [one.get("junit.repeat", 1) for one in found] == [1, 2, 3, 4, 5, 6]
    assert len({one["_id"] for one in found}) == 6
    assert of(tmp_path, f"<testsuites>{text}</testsuites>") == found[:3]


def test_no_text_keeps_a_secret(tmp_path: Path) -> None:
    token = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJsYWtlIn0.c2lnbmF0dXJl"
    (one,) = of(
        tmp_path,
        f"""<testsuite name="s {token}"><properties><property name="url" value="davs://{token}"/>
        </properties><testcase name="get[{token}]" classname="c.{token}" file="f{token}">
        <property name="mine" value="{token}"/><failure message="a {token}">b {token}</failure>
        <system-out>[[ATTACHMENT|{token}]] ü {token}</system-out></testcase></testsuite>""",
    )
    assert token not in str(one)
    assert (one["check"], one["test"]) == ("get[***]", "s ***")


def test_the_words_of_secrets_are_what_the_redactor_searches_for() -> None:
    for word in junit_said._WORDS:
        assert HINT.fullmatch(word), "not a plain text any more: junit_said must search for it"


def test_a_case_has_a_time_and_a_place_of_its_own(tmp_path: Path) -> None:
    (one, other) = of(
        tmp_path,
        """<testsuite name="s" timestamp="2026-11-21T09:00:00">
        <testcase name="a" timestamp="2026-11-21T10:00:00.5Z"/><testcase name="b" file="b.c"/>
        </testsuite>""",
    )
    assert (one["@timestamp"], one["check"]) == ("2026-11-21T10:00:00.500Z", "a")
    assert (other["@timestamp"], other["junit.file"]) == ("2026-11-21T09:00:00.000Z", "b.c")


def test_no_name_at_all(tmp_path: Path) -> None:
    (one,) = of(tmp_path, "<testsuite><testcase/></testsuite>")
    assert [one[name] for name in ("test", "case", "check")] == ["TEST-x"] * 3
    assert "duration" not in one


def test_several_failures_are_one_error(tmp_path: Path) -> None:
    (one,) = of(
        tmp_path,
        """<testsuite name="s"><testcase name="a"><error message="later"/>
        <failure message="Failed">one</failure><failure type="Full"/></testcase></testsuite>""",
    )
    assert (one["status"], one["error.message"]) == ("failed", "one\nFull\nlater")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0.25", 0.25),
        ("1,234.5", 1234.5),
        ("0,25", 0.25),
        ("1.5s", 1.5),
        ("1 234,5", 1234.5),
        ("1\u202f234\u202f567.5", 1234567.5),
        ("1.234,5", 1234.5),
        ("1.234.567", 1234567.0),
        ("1’234.5", 1234.5),
        ("1 234 s", 1234.0),
        ("1 23", None),
        ("1'234’567", None),
        ("1.23.456", None),
        ("-1", None),
        ("inf", None),
        ("1e999", None),
        ("nan", None),
        ("soon", None),
        ("", None),
    ],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert junit_dialects.seconds(text) == seconds


def test_converting_again_gives_the_same_ids(tmp_path: Path) -> None:
    text = '<testsuite name="s" timestamp="2026-11-21T09:00:00"><testcase name="a"/></testsuite>'
    assert of(tmp_path, text) == of(tmp_path, text)


BOMB = '<!DOCTYPE x [<!ENTITY a "a"><!ENTITY b "&a;&a;">]><testsuite name="&b;"/>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite name="&a;"/>'
BAD = {
    "bomb": (BOMB, "it declares XML entities"),
    "external entity": (OUTSIDE, "it declares XML entities"),
    "cut off": ('<testsuite name="s"><testcase name="a"/><testca', "the file ends too early"),
    "no XML": ("<testsuite name=>", "this is no JUnit XML"),
    "colours": (
        '<testsuite>\n<testcase name="\x1b[31m"/></testsuite>',
        "line 2 holds the control character ESC (U+001B), which XML cannot hold; let the tests "
        "print no colours (pytest --color=no), or remove it: tr -d ",
    ),
    "another character": ("<testsuite>\x01</testsuite>", "the control character U+0001, which"),
    "something else before it": ("<testsuite name=>\n\x1b", "(invalid token): line 1, column 16"),
    "other XML": ("<html/>", "its root is <html>, not <testsuites> or <testsuite>"),
    "encoding": ('<?xml version="1.0" encoding="klingon"?><testsuite/>', "klingon"),
    "empty": ("", "the file ends too early"),
    "no cases before the end": ('<testsuite name="s">', "the file ends too early"),
    "double bytes": (
        '<?xml version="1.0" encoding="shift_jis"?><testsuite/>',
        "convert it to UTF-8, for instance with iconv",
    ),
    "suites without end": ("<testsuite>" * 100_000, "this is no JUnit XML"),
    "unknown entity": ('<testsuite name="s"><testcase name="&nbsp;"/></testsuite>', "undefined"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files(tmp_path: Path, case: str) -> None:
    text, told = BAD[case]
    with pytest.raises(JournalError, match=r"TEST-x\.xml: ") as raised:
        of(tmp_path, text)
    assert told in str(raised.value)
