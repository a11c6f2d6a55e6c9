"""`lakecheck-publish` as probes call it: what it is given, what it makes of it, what it says."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

import lakecheck.publish
from lakecheck import cli
from lakecheck.documents.foreign import recognise
from lakecheck.publish import command, main
from tests.publish.calls import ENCODED, PASSWORD, nobody, values, waiting
from tests.publish.listeners import Broker


def test_one_record_arrives(broker: Broker, spool: Path, told: Any) -> None:
    words = [
        "check=ping",
        "status=passed",
        "value=0.25",
        "bytes=1000",
        "run.id=7f3a",
        "note=a b: c",
    ]
    assert main([*words, "--to", broker.url]) == 0

    (record,) = broker.records
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("@timestamp"))
    assert re.fullmatch("[0-9a-f]{32}", record.pop("_id"))
    assert record == {
        "document": "record",
        "version": 1,
        "tester.host": socket.gethostname(),
        "check": "ping",
        "status": "passed",
        "value": 0.25,
        "bytes": 1000,
        "run.id": "7f3a",
        "note": "a b: c",
    }
    ((headers, body),) = broker.sent
    assert headers.pop("receipt")
    assert headers == {
        "destination": "/topic/probes",
        "persistent": "true",
        "content-type": "application/json",
        "content-length": str(len(body)),
        "amq-msg-type": "text",
        "document": "record",
        "status": "passed",
    }
    assert recognise(body, {}) == [json.loads(body)]
    assert told() == ""
    assert not spool.exists()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-5", -5),
        ("1e3", 1000.0),
        ("2.50", 2.5),
        ("007", "007"),
        ("1.", "1."),
        ("+1", "+1"),
        ("NaN", "NaN"),
        ("1e999", "1e999"),
        ("9" * 25, "9" * 25),
        ("true", "true"),
        ("", ""),
        ("a=b", "a=b"),
        ("two\nlines", "two\nlines"),
        ("\udce9", "�"),
    ],
)
def test_numbers_stay_numbers(broker: Broker, spool: Path, text: str, value: Any) -> None:
    assert main([f"value={text}", "--to", broker.url]) == 0
    assert repr(broker.records[0]["value"]) == repr(value)


def test_the_same_record_of_the_same_time_is_the_same_document(broker: Broker, spool: Path) -> None:
    time = "@timestamp=2026-11-21T10:00:00+01:00"
    for words in (["a=1"], ["a=1"], ["a=2"]):
        assert main([*words, time, "--to", broker.url]) == 0

    first, again, other = broker.records
    assert first == again
    assert first["@timestamp"] == "2026-11-21T09:00:00.000Z"
    assert other["_id"] != first["_id"]


def test_the_environment_says_where(
    broker: Broker, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(command.URL, broker.url)
    assert main(["n=1"]) == 0
    assert main(["--timeout", "9", "n=2", "--format", "json"]) == 0
    assert values(broker.records) == [1, 2]


OWN = {"@timestamp": "2026-11-21T09:00:00.000Z", "_id": "ab", "document": "result", "n": 1}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"n": 1}', [{"n": 1}]),
        ('\ufeff[{"n": 1}, {"n": 2}]\n', [{"n": 1}, {"n": 2}]),
        ('{"n": 1}\n\n{"n": 2}\n', [{"n": 1}, {"n": 2}]),
        ('{"a": {"b": {"c": 1}, "d": "é"}}', [{"a.b.c": 1, "a.d": "é"}]),
        (json.dumps(OWN), [OWN]),
        (
            "metricName: a\nmetricStatus: CRITICAL\nEOT\nmetricName: b\nEOT\n",
            [{"check": "a", "status": "failed"}, {"check": "b"}],
        ),
    ],
)
def test_a_file_or_standard_input_holds_records(
    broker: Broker,
    spool: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    wanted: list[dict[str, Any]],
) -> None:
    file = tmp_path / "a=b.json"
    file.write_text(text)
    assert main([str(file), "--to", broker.url]) == 0
    with file.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert main(["-", "--to", broker.url]) == 0

    assert len(broker.records) == 2 * len(wanted)
    for record, fields in zip(broker.records, wanted * 2, strict=True):
        assert record.items() >= fields.items()
        assert record["_id"]


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["n=1"], "it is not said where records go: give --to URL, or set LAKECHECK_PUBLISH"),
        (["n=1", "n=2", "--to", "URL"], "n is given twice"),
        (["a=1", "a.b=2", "--to", "URL"], "a has a value, so a.b cannot be beneath it"),
        (["n=1", "file", "--to", "URL"], "'file' is no KEY=VALUE; a file stands alone, as - does"),
        (["none", "--to", "URL"], "none cannot be read (No such file or directory)"),
        (["bad", "--to", "URL"], "bad: record 2 is no JSON: NaN is no JSON"),
        (["[]", "--to", "URL"], "[]: a record is a JSON object that has keys"),
        (["latin", "--to", "URL"], "latin is not in UTF-8 (byte 0)"),
        (["empty", "--to", "URL"], "empty: there is no record in it"),
        (
            ["words", "--to", "URL"],
            "words: it is neither JSON nor a probe's record: line 1 is no `key: value`: 'so what'",
        ),
        (
            ["torn", "--to", "URL"],
            "torn: it is neither JSON nor a probe's record: its last record is not whole: "
            "the line EOT that ends it is missing",
        ),
        (
            ["fine", "--to", "URL"],
            "fine: it is neither JSON nor a probe's record: record 1: metricStatus 'FINE' is none "
            "of OK, WARNING, CRITICAL, UNKNOWN",
        ),
        (
            ["@timestamp=soon", "--to", "URL"],
            "@timestamp 'soon' is no time that has one meaning everywhere; write "
            "2026-11-21T09:00:00Z",
        ),
        (["_id=", "--to", "URL"], "_id is a text that is not empty"),
        (["whole", "--to", "URL"], "whole: _id is a text that is not empty"),
        (["endless", "--to", "URL"], "endless: it is no JSON: 1e999 is no JSON"),
        (["large", "--to", "URL"], "a record has 1,048,650 bytes; the most is 1,048,576"),
        (
            ["document=What?", "--to", "URL"],
            "document is the type of the record: a word of small letters",
        ),
        (["n=1", "--timeout", "0", "--to", "URL"], "--timeout is a number of seconds above 0"),
        (
            ["n=1", "--format", "grid-probe", "--to", "http://h/x"],
            "HTTP takes JSON; --format grid-probe goes to a broker",
        ),
        (
            ["n=1", "--to", "stomp://h/topic/a,http://h/x"],
            "brokers (stomp) and servers (http) cannot stand in for each other",
        ),
        (["n=1", "--to", "stomp://h"], "a stomp URL ends in /topic/NAME or /queue/NAME"),
        (["n=1", "--to", "http://h/a b"], "the path of the http URL is to be percent-encoded"),
        (["n=1", "--too", "x"], "unrecognized arguments: --too x"),
        ([], "the following arguments are required: KEY=VALUE…|FILE|-"),
    ],
)
def test_wrong_use_is_said(
    broker: Broker,
    spool: Path,
    told: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    sentence: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in (
        ("bad", b'{"n": 1}\n{"n": NaN}'),
        ("[]", b"[]"),
        ("latin", b"\xe9"),
        ("empty", b" \n"),
        ("words", b"so what"),
        ("torn", b"metricName: x\nEOT\nmetricName: y\nmetricStatus: OK\n"),
        ("fine", b"metricName: x\nmetricStatus: FINE\nEOT\n"),
        ("whole", b'{"_id": "", "@timestamp": "2026-11-21T09:00:00Z", "document": "record"}'),
        ("endless", b'{"n": 1e999}'),
        (
            "large",
            b'{"@timestamp": "2026-11-21T09:00:00Z", "document": "record", "_id": "i", "n": "%s"}'
            % (b"x" * 2**20),
        ),
    ):
        Path(name).write_bytes(content)

    assert main([broker.url if word == "URL" else word for word in words]) == 4
    assert told() == f"lakecheck-publish: {sentence}\n"
    assert broker.records == []
    assert not spool.exists()


@pytest.mark.parametrize(
    "url",
    [
        f"stomp://probe:{PASSWORD}@h:61613/topic/a",
        f"stomp://probe:{ENCODED}@h:port/topic/a",
        f"stomp://probe:{ENCODED}@:61613/topic/a",
        f"stomp://probe:{ENCODED}%0A@h:61613/topic/a",
        f"amqp://probe:{ENCODED}@h:61613/topic/a",
        f"probe:{ENCODED}@h:61613/topic/a",
        f"stomp://probe:{ENCODED}@h:61613,probe:{ENCODED}@g:61613/topic/a",
        f"stomp://probe:{ENCODED}@[h:61613/topic/a",
    ],
)
def test_a_password_in_a_wrong_url_is_not_said(
    spool: Path, told: Any, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    assert main(["n=1", "--to", url]) == 4
    assert main(["n=1", f"--too={url}"]) == 4
    monkeypatch.setenv(command.URL, url)
    assert main(["n=1"]) == 4
    said = told()
    assert said.count("\n") == 3
    assert "s3cret" not in said


def test_lakecheck_publish_is_the_same(
    broker: Broker, spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.call(["publish", "n=1", "--to", nobody()]) == 10
    assert "lakecheck publish: 127.0.0.1:" in capsys.readouterr().err
    assert cli.call(["publish", "n=2", "--to", broker.url]) == 0
    assert values(broker.records) == [1, 2]
    assert cli.call(["publish", "n=3", "--to", "stomp://h"]) == 4
    wanted = "lakecheck publish: a stomp URL ends in /topic/NAME or /queue/NAME\n"
    assert capsys.readouterr().err == wanted


def test_both_command_lines_have_the_same_options() -> None:
    other = cli.command.get_command(click.Context(cli.command), "publish")
    assert other is not None
    named = {option for parameter in other.params for option in parameter.opts}
    light = {option for action in command._parser()._actions for option in action.option_strings}
    assert named - {"what"} == light - {"-h", "--help"}


PAGE = Path(__file__).parents[2] / "docs" / "events.md"
EXAMPLE = "stomp://probe:PASSWORD@broker.example.org:61613/topic/probes"


def test_the_commands_of_its_page_are_true(broker: Broker, spool: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    text = "set -eo pipefail\n" + "".join(blocks)
    assert EXAMPLE in text
    light = tmp_path / "lakecheck-publish"
    light.write_text(f'#!/bin/sh\nexec {sys.executable} -m lakecheck.publish "$@"\n')
    light.chmod(0o755)
    subprocess.run(
        ["bash", "-c", text.replace(EXAMPLE, broker.url)],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        check=True,
    )

    ping, space, probe = (recognise(body, {})[0] for _, body in broker.sent)
    assert (ping["status"], ping["duration"]) == ("passed", 0.25)
    assert space["space.free"] == 12000000
    assert (probe["check"], probe["status"]) == ("org.example.ping", "passed")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "KEY=VALUE" in text
    table = PAGE.read_text().partition("| exit code |")[2]
    codes = re.findall(r"^\| (\d+) \|", table, re.MULTILINE)
    assert re.findall(r"\b\d+(?=\s[a-z])", text.partition("Exit code:")[2]) == codes


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("- <&-", 4, "lakecheck-publish: standard input is closed\n"),
        ("- <&- 2>&-", 4, ""),
        ("n=1 2>&-", 10, ""),
        ("n=1 0<&- 1>&- 2>&-", 10, ""),
        ("n=1 2>/dev/full", 10, ""),
        ("n=1 --spool /dev/null 2>&-", 1, ""),
        ("- <&- 2>/dev/full", 4, ""),
    ],
)
def test_standard_streams_that_are_closed_change_nothing(
    spool: Path, words: str, code: int, said: str
) -> None:
    text = f"{sys.executable} -m lakecheck.publish --to {nobody()} {words}"
    ended = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (code, "", said)
    assert values(waiting(spool)) == ([1] if code == 10 else [])


def test_without_a_home_the_way_out_is_said(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert main(["n=1", "--to", nobody()]) == 4
    assert "name one with --spool DIR" in told()


def test_it_needs_nothing_but_the_standard_library() -> None:
    folder = Path(lakecheck.publish.__file__).parent
    names = {path.stem for path in folder.glob("*.py")} - {"__init__", "__main__"}
    text = "".join(f"import lakecheck.publish.{name}\n" for name in names)
    loaded = subprocess.run(
        [sys.executable, "-S", "-c", f"{text}import sys; print(*sys.modules)"],
        env={"PYTHONPATH": str(Path(cli.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    ours = {name for name in loaded if name.startswith("lakecheck")}
    assert ours == {"lakecheck", "lakecheck.publish", *(f"lakecheck.publish.{n}" for n in names)}
    others = {name.partition(".")[0] for name in set(loaded) - ours}
    assert others <= {*sys.stdlib_module_names, "__main__"}


def test_http_and_tls_are_imported_by_those_who_use_them(broker: Broker, spool: Path) -> None:
    text = (
        "import sys; from lakecheck.publish import main; "
        f"assert main(['n=1', '--to', {broker.url!r}]) == 0; "
        "assert not {'ssl', 'http.client', 'email', 'asyncio'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", text], check=False).returncode == 0
