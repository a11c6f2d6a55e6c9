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
from tests.publish.listeners import Broker


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
