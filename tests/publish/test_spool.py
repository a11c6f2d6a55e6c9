"""Records that cannot be sent wait, go first, and are neither lost nor sent twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lakecheck import cli
from lakecheck.publish import main
from lakecheck.publish.stopping import SIGNALS
from tests.publish.calls import nobody, values, waiting
from tests.publish.listeners import Broker, Server


def test_what_cannot_be_sent_waits_and_goes_first(broker: Broker, spool: Path, told: Any) -> None:
    url = nobody()
    for number in range(3):
        assert main([f"n={number}", "--to", url]) == 10
    where = url[8:].partition("/")[0]
    first, _, last = told().splitlines()
    reason = f"lakecheck-publish: {where}: it cannot be reached (Connection refused)"
    assert first == f"{reason}; the record is kept in {spool} for the next call"
    assert last == f"{reason}; the record is kept in {spool} for the next call; 3 wait there"
    assert values(waiting(spool)) == [0, 1, 2]
    assert spool.stat().st_mode & 0o77 == 0
    assert [path.stat().st_mode & 0o77 for path in spool.glob("*.json")] == [0, 0, 0]

    assert main(["n=3", "--to", broker.url]) == 0
    assert told() == ""
    assert values(broker.records) == [0, 1, 2, 3]
    assert list(spool.glob("*.json")) == []


def test_what_waits_for_another_topic_stays(broker: Broker, spool: Path) -> None:
    assert main(["n=1", "--to", nobody().replace("probes", "others")]) == 10
    assert main(["n=2", "--to", broker.url]) == 0

    assert values(broker.records) == [2]
    assert values(waiting(spool)) == [1]


def test_a_folder_for_what_waits_can_be_named(spool: Path, tmp_path: Path) -> None:
    assert main(["n=1", "--to", nobody(), "--spool", str(tmp_path / "own")]) == 10
    assert values(waiting(tmp_path / "own")) == [1]
    assert not spool.exists()


def test_where_it_cannot_be_kept_either_the_record_is_said(
    spool: Path, told: Any, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    assert main(["n=1", "--to", nobody(), "--spool", str(tmp_path / "file")]) == 1

    sentence, record = told().splitlines()
    assert sentence.endswith(f"; it cannot be kept in {tmp_path / 'file'} either (File exists):")
    assert json.loads(record)["n"] == 1


CALL = [sys.executable, "-m", "lakecheck.publish"]


def test_processes_at_once_send_each_record_once(broker: Broker, spool: Path) -> None:
    for number in range(40):
        assert main([f"n={number}", "--to", nobody()]) == 10
    broker.delay = 0.01
    calls = [
        subprocess.Popen([*CALL, f"n={number}", "--to", broker.url, "--timeout", "30"])
        for number in range(40, 45)
    ]
    assert [call.wait(60) for call in calls] == [0] * 5

    assert sorted(values(broker.records)) == list(range(45))
    assert [value for value in values(broker.records) if value < 40] == list(range(40))
    assert list(spool.glob("*.json")) == []


def stopped(broker: Broker, *numbers: int, **options: Any) -> int:
    """Give the exit code of a call that is stopped while it waits for a receipt."""
    broker.mute = "SEND"
    call = subprocess.Popen([*CALL, "n=2", "--to", broker.url, "--timeout", "30"], **options)
    while not broker.frames:
        assert call.poll() is None
        time.sleep(0.01)
    for number in numbers:
        call.send_signal(number)
    return call.wait(20)


@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 2), (signal.SIGTERM, 2), (signal.SIGHUP, 2), (signal.SIGKILL, -9)],
)
def test_a_call_that_is_stopped_loses_nothing_that_waited(
    broker: Broker, spool: Path, number: int, code: int
) -> None:
    for value in range(2):
        assert main([f"n={value}", "--to", nobody()]) == 10

    assert stopped(broker, number) == code
    assert values(waiting(spool)) == [0, 1, 2][: 2 if number == signal.SIGKILL else 3]


def test_several_signals_at_once_are_one(broker: Broker, spool: Path) -> None:
    assert stopped(broker, signal.SIGINT, signal.SIGTERM, signal.SIGINT, signal.SIGHUP) == 2
    assert values(waiting(spool)) == [2]
    assert list(spool.glob(".*.part")) == []


def test_a_signal_that_is_ignored_stays_so(broker: Broker, spool: Path) -> None:
    def nohup() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    before = time.monotonic()
    command = [*CALL, "n=1", "--to", broker.url, "--timeout", "1.5"]
    broker.mute = "SEND"
    call = subprocess.Popen(command, preexec_fn=nohup)
    while not broker.frames:
        time.sleep(0.01)
    call.send_signal(signal.SIGHUP)
    assert call.wait(20) == 10
    assert time.monotonic() - before > 1.5


def test_interrupted_and_lost_is_lost(broker: Broker, spool: Path, tmp_path: Path) -> None:
    spool.parent.mkdir(parents=True)
    spool.touch()
    assert stopped(broker, signal.SIGTERM) == 1


def test_while_a_record_is_kept_signals_wait(
    spool: Path, told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fsync(handle: int) -> None:
        for number in SIGNALS:
            signal.raise_signal(number)

    former = [signal.getsignal(number) for number in SIGNALS]
    monkeypatch.setattr(os, "fsync", fsync)
    assert main(["n=1", "--to", nobody()]) == 10
    assert cli.call(["publish", "n=2", "--to", nobody()]) == 10
    assert values(waiting(spool)) == [1, 2]
    assert [signal.getsignal(number) for number in SIGNALS] == former


def test_what_one_call_leaves_over_is_one_file(
    broker: Broker, spool: Path, told: Any, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.write_text(
        "".join(f'{{"n": {number}, "text": "a\\nb\u2028"}}\n' for number in range(5000))
    )
    before = time.monotonic()
    assert main([str(many), "--to", nobody()]) == 10
    assert time.monotonic() - before < 5
    assert main(["n=5000", "--to", nobody()]) == 10
    (path,) = spool.glob("*.ndjson")
    assert path.stat().st_mode & 0o77 == 0
    first, second = told().splitlines()
    assert first.endswith(f"the 5000 records are kept in {spool} for the next call")
    assert second.endswith("for the next call; 5001 wait there")
    assert values(waiting(spool)) == list(range(5001))

    broker.objects = lambda body: "no room" if json.loads(body)["n"] >= 250 else None
    assert main(["n=0.5", "--to", broker.url]) == 0
    assert values(broker.records) == [*range(250), 0.5]
    assert values(waiting(spool)) == list(range(250, 5001))

    broker.objects = lambda body: None
    assert main(["n=5001", "--to", broker.url, "--timeout", "30"]) == 0
    assert values(broker.records) == [*range(250), 0.5, *range(250, 5002)]
    assert waiting(spool) == []


def test_of_many_those_that_were_sent_before_a_signal_are_not_sent_again(
    broker: Broker, spool: Path, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.write_text("".join(f'{{"n": {number}}}\n' for number in range(300)))
    assert main([str(many), "--to", nobody()]) == 10
    broker.delay = 0.01
    call = subprocess.Popen([*CALL, "n=300", "--to", broker.url, "--timeout", "30"])
    while len(broker.sent) < 150:
        assert call.poll() is None
        time.sleep(0.01)
    call.send_signal(signal.SIGTERM)
    assert call.wait(20) == 2
    left = values(waiting(spool))
    assert left in [list(range(first, 301)) for first in (100, 200)]  # of the portions of 100


def test_many_grid_probes_records_wait_in_one_file(
    broker: Broker, spool: Path, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.write_text(
        "".join(f"metricName: a{n}\ndetailsData: b\n EOT\nc\nEOT\n" for n in range(120))
    )
    assert main([str(many), "--to", nobody(), "--format", "grid-probe"]) == 10
    (path,) = spool.iterdir() if not (spool / ".lock").exists() else spool.glob("*.probes")
    whole = path.read_bytes()
    broker.objects = lambda body: "no room" if b"a119\n" in body else None
    assert main(["n=1", "--to", broker.url]) == 0
    assert [path.suffix for path in spool.glob("[0-9]*")] == [".probes"]
    broker.objects = lambda body: None
    assert main(["n=2", "--to", broker.url]) == 0
    bodies = [body for _, body in broker.sent if b"metricName" in body]
    assert b"".join(bodies) == whole
    assert len(bodies) == 120
    assert list(spool.glob("[0-9]*")) == []


def test_one_of_many_that_waited_is_put_aside_alone(
    server: Server, spool: Path, tmp_path: Path
) -> None:
    many = tmp_path / "many"
    many.write_text("".join(f'{{"n": {number}}}\n' for number in range(20)))
    server.answers = lambda posted: (503, "later")
    assert main([str(many), "--to", server.url]) == 10
    server.answers = lambda posted: (400, "no") if {3, 7} & set(values(posted)) else (204, "")
    assert main(["n=20", "--to", server.url]) == 0
    assert sorted(values(server.records)) == [n for n in range(21) if n not in (3, 7)]
    assert values(waiting(spool / "refused")) == [3, 7]
    assert waiting(spool) == []
