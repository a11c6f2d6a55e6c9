"""`lakecheck consume`: kept first, acknowledged then, nothing lost."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lakecheck import cli
from lakecheck.collect import consumer
from lakecheck.collect.consumer import Consumer
from lakecheck.collect.received import Received, letters
from lakecheck.documents.journal import read
from lakecheck.errors import UsageError
from lakecheck.model import SinkChoice
from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.sources import file
from lakecheck.sinks.sources.base import Message
from tests.engine.runs import start


def event(number: int) -> dict[str, Any]:
    """A document of another tester, which is kept as it is."""
    return {
        "@timestamp": "2026-11-21T09:00:00.000Z",
        "_id": f"{number:032x}",
        "document": "result",
        "version": 1,
        "status": "passed",
    }


class Scripted:
    """A source that does what a test has written down."""

    script: list[list[bytes] | SinkTrouble]
    acknowledged = 0

    def __init__(self, options: object) -> None:
        self.given = 0

    def receive(self, most: int, within: float) -> list[Message]:
        if not Scripted.script:
            time.sleep(0.01)
            return []
        step = Scripted.script.pop(0)
        if isinstance(step, SinkTrouble):
            raise step
        self.given = len(step)
        return [Message(body, {"message-id": "1"}, "/queue/x") for body in step]

    def acknowledge(self) -> None:
        Scripted.acknowledged += self.given

    def close(self) -> None:
        pass


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> type[Scripted]:
    Scripted.script, Scripted.acknowledged = [], 0
    monkeypatch.setattr(consumer, "_open", lambda choice: Scripted(None))
    return Scripted


CHOICE = (SinkChoice("file", "file", file.Options("x")),)


def body(number: int) -> bytes:
    return json.dumps(event(number)).encode()


def test_messages_become_documents(tmp_path: Path, scripted: type[Scripted]) -> None:
    scripted.script = [[body(1), body(2)], [], [body(3)]]
    received = Received(tmp_path)
    consuming = Consumer(received, CHOICE)
    consuming.run(most=3)
    received.close()

    assert [each["_id"][-1] for each in read(received.folder)] == ["1", "2", "3"]
    assert (consuming.counts.messages, scripted.acknowledged) == (3, 3)


def test_what_is_not_understood_is_kept_whole(tmp_path: Path, scripted: type[Scripted]) -> None:
    scripted.script = [[b"\xff\xfe", body(1), b"{"]]
    received = Received(tmp_path)
    consuming = Consumer(received, CHOICE)
    consuming.run(most=3)
    received.close()

    found = letters(received.folder / "dead.ndjson")
    assert [letter.get("base64") or letter["body"] for letter in found] == ["//4=", "{"]
    assert all(letter["reason"] and letter["origin"] == "/queue/x" for letter in found)
    assert (consuming.counts.documents, consuming.counts.dead) == (1, 2)
    assert scripted.acknowledged == 3


def test_secrets_in_probes_records_are_masked(tmp_path: Path, scripted: type[Scripted]) -> None:
    record = event(1) | {"document": "record", "reason": "GET https://u:secretpw@h/x"}
    scripted.script = [[json.dumps(record).encode()]]
    received = Received(tmp_path)
    Consumer(received, CHOICE).run(most=1)
    received.close()
    (kept,) = read(received.folder)
    assert "secretpw" not in kept["reason"]
    assert kept["_id"] == record["_id"]


def test_a_lost_connection_is_opened_again(tmp_path: Path, scripted: type[Scripted]) -> None:
    scripted.script = [[body(1)], SinkTrouble("gone"), SinkTrouble("gone"), [body(2)]]
    received = Received(tmp_path)
    consuming = Consumer(received, CHOICE)
    consuming.run(most=2)
    received.close()
    assert consuming.counts.documents == 2


def test_what_waiting_does_not_cure_ends_it(tmp_path: Path, scripted: type[Scripted]) -> None:
    scripted.script = [SinkTrouble("the password is wrong", lasting=True)]
    received = Received(tmp_path)
    consuming = Consumer(received, CHOICE)
    consuming.run()
    received.close()
    assert consuming.lasting == "file: the password is wrong"


def test_nothing_is_acknowledged_before_it_is_kept(
    tmp_path: Path, scripted: type[Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.script = [[body(1)]]
    received = Received(tmp_path)
    full = threading.Event()
    full.set()
    settle = received.settle
    monkeypatch.setattr(received, "settle", lambda: 1 if full.is_set() else settle())
    consuming = Consumer(received, CHOICE)
    running = threading.Thread(target=consuming.run, kwargs={"most": 1})
    running.start()
    time.sleep(0.4)
    assert scripted.acknowledged == 0
    full.clear()
    running.join(30)
    received.close()
    assert scripted.acknowledged == 1
    assert [each["_id"][-1] for each in read(received.folder)] == ["1"]


def test_a_full_disk_at_midnight_ends_no_source(
    tmp_path: Path, scripted: type[Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.script = [[body(1)], [body(1)]]
    received = Received(tmp_path)
    turn = received.turn
    troubles = [UsageError("reports/received-2026-11-22 cannot be made: No space left on device")]

    def midnight(now: float) -> None:
        if troubles:
            raise troubles.pop()
        turn(now)

    monkeypatch.setattr(received, "turn", midnight)
    consuming = Consumer(received, CHOICE)
    consuming.run(most=1)
    received.close()
    assert scripted.acknowledged == 1
    assert [each["_id"][-1] for each in read(received.folder)] == ["1"]


def test_an_unforeseen_failure_is_told_and_tried_again(
    tmp_path: Path, scripted: type[Scripted], monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.script = [[body(1)], [body(1)]]
    failures = [RuntimeError("nobody foresaw this")]

    def recognise(body: bytes, headers: dict[str, str]) -> list[dict[str, Any]]:
        if failures:
            raise failures.pop()
        return [json.loads(body)]

    monkeypatch.setattr(consumer, "recognise", recognise)
    received = Received(tmp_path)
    consuming = Consumer(received, CHOICE)
    consuming.run(most=1)
    received.close()
    assert scripted.acknowledged == 1
    assert consuming.silent == {}


def test_a_day_has_a_journal_of_its_own(tmp_path: Path) -> None:
    received = Received(tmp_path)
    received.turn(0.0)
    received.keep(event(1))
    received.settle()
    received.turn(86_400.0)
    received.keep(event(2))
    received.close()
    names = [journal.parent.name for journal in received.journals]
    assert names[:2] == ["received-1970-01-01", "received-1970-01-02"]


def test_one_writes_a_journal(tmp_path: Path) -> None:
    received = Received(tmp_path)
    with pytest.raises(UsageError, match="give this one a --name of its own"):
        Received(tmp_path)
    received.close()


SPEC = """\
lakecheck: 1
tests: {}
consume: [file: {path: events.ndjson}]
publish: [file: {path: all.ndjson}]
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.lake.yaml").write_text(SPEC)
    return tmp_path


def ids(path: Path) -> list[str]:
    return [json.loads(line)["_id"] for line in path.read_text().splitlines()]


def test_from_message_to_sink(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "events.ndjson").write_bytes(b"".join(body(n) + b"\n" for n in range(50)) + b"what\n")
    before = {each: signal.getsignal(each) for each in (2, 15, 1)}
    try:
        assert cli.call(["consume", "a.lake.yaml", "--idle", "1s"]) == 0
        assert cli.call(["consume", "a.lake.yaml", "--idle", "1s"]) == 0
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    assert ids(here / "all.ndjson") == [event(n)["_id"] for n in range(50)]
    told = capsys.readouterr().out
    assert f"listening to {here}/events.ndjson\n" in told
    assert "51 messages: 50 documents in reports/received-" in told
    assert "; 1 not understood, kept in reports/received-" in told
    assert cli.call(["ship"]) == 0  # the specs were noted beside the journal


def test_a_kill_at_any_moment_loses_nothing(here: Path) -> None:
    path = here / "events.ndjson"
    path.write_bytes(b"".join(body(n) + b"\n" for n in range(20_000)))
    for seconds in (0.5, 0.7, 0.9, 1.1):
        consuming = start("consume", "a.lake.yaml", cwd=here)
        time.sleep(seconds)
        consuming.send_signal(signal.SIGKILL)
        consuming.wait(10)
    done = subprocess.run(
        [*consuming.args, "--idle", "1s"],  # type: ignore[misc]
        cwd=here,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    kept = ids(here / "all.ndjson")
    assert set(kept) == {event(n)["_id"] for n in range(20_000)}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["none.lake.yaml"], "nothing is consumed: the specs have no section consume"),
        (["a.lake.yaml", "--source", "kafka"], '--source: there is no "kafka"; there is file'),
    ],
)
def test_wrong_use_is_told(
    here: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    (here / "none.lake.yaml").write_text("lakecheck: 1\ntests: {}\n")
    assert cli.call(["consume", *arguments]) == 4
    assert told in capsys.readouterr().err
