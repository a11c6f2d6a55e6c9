"""The shipper, with sinks that fail as told and with files."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from lakecheck.documents.journal import read
from lakecheck.model import SinkChoice
from lakecheck.sinks import failing, file, http
from lakecheck.sinks.base import secrets_of, without_secrets
from lakecheck.sinks.cursor import CursorFile
from lakecheck.sinks.shipper import Outcome, ship, ship_all, status


def document(number: int) -> dict[str, Any]:
    return {
        "@timestamp": "2026-11-21T09:00:00.000Z",
        "_id": f"{number:032x}",
        "document": "result",
        "status": "passed",
    }


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """A run's journal of 1,200 documents."""
    path = tmp_path / "run" / "results.ndjson"
    path.parent.mkdir()
    path.write_text("".join(json.dumps(document(n)) + "\n" for n in range(1200)))
    return path


def to_file(path: Path, name: str = "file") -> SinkChoice:
    return SinkChoice(name, "file", file.Options(str(path)))


def to_failing(name: str = "failing", **options: Any) -> SinkChoice:
    return SinkChoice(name, "failing", failing.Options(**options))


def ids(path: Path) -> list[str]:
    return [each["_id"] for each in read(path)]


def one(outcomes: list[Outcome]) -> Outcome:
    assert len(outcomes) == 1
    return outcomes[0]


def test_all_goes_there_once(journal: Path, tmp_path: Path) -> None:
    out = to_file(tmp_path / "out.ndjson")
    first = one(ship(journal, [out]))
    again = one(ship(journal, [out]))

    assert (first.shipped, first.pending, first.trouble) == (1200, 0, "")
    assert (again.shipped, again.pending) == (0, 0)
    assert (tmp_path / "out.ndjson").read_bytes() == journal.read_bytes()


def test_what_comes_later_is_shipped_later(journal: Path, tmp_path: Path) -> None:
    out = to_file(tmp_path / "out.ndjson")
    ship(journal, [out])
    with journal.open("a") as lines:
        lines.write(json.dumps(document(1200)) + "\n" + '{"@timestamp":"2026-11')
    assert one(status(journal, [out])).pending == 1
    assert one(ship(journal, [out])).shipped == 1
    assert len(ids(tmp_path / "out.ndjson")) == 1201


def test_again_ships_all_once_more(journal: Path, tmp_path: Path) -> None:
    out = to_file(tmp_path / "out.ndjson")
    ship(journal, [out])
    assert one(ship(journal, [out], again=True)).shipped == 1200


def test_another_target_gets_all(journal: Path, tmp_path: Path) -> None:
    ship(journal, [to_file(tmp_path / "out.ndjson")])
    assert one(ship(journal, [to_file(tmp_path / "other.ndjson")])).shipped == 1200


def test_a_sink_that_is_down_delays_no_other(journal: Path, tmp_path: Path) -> None:
    down, well = ship(journal, [to_failing(), to_file(tmp_path / "out.ndjson")], within=1)

    assert (well.shipped, well.trouble) == (1200, "")
    assert (down.shipped, down.pending, down.trouble) == (0, 1200, "it cannot be reached")
    assert down.failing_since
    assert down.oldest == "2026-11-21T09:00:00.000Z"
    assert one(status(journal, [to_failing()])).trouble == "it cannot be reached"


def test_it_is_tried_until_it_works(journal: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    outcome = one(ship(journal, [to_failing(first=3, path=str(taken))], within=30))
    assert (outcome.shipped, outcome.pending, outcome.trouble) == (1200, 0, "")
    assert len(taken.read_text().splitlines()) == 1200


def test_what_waiting_does_not_cure_is_tried_once(journal: Path) -> None:
    began = time.monotonic()
    outcome = one(ship(journal, [to_failing(how="refuse")], within=60))
    assert outcome.trouble == "the password is wrong"
    assert time.monotonic() - began < 30


def test_an_unforeseen_failure_loses_nothing(journal: Path) -> None:
    outcome = one(ship(journal, [to_failing(how="crash")], within=60))
    assert outcome.pending == 1200
    assert outcome.trouble == "the sink itself failed: RuntimeError: nobody foresaw this"


def test_stop_ends_the_waiting(journal: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    assert one(ship(journal, [to_failing()], stop=stop)).pending == 1200


def test_rejected_documents_are_kept_with_the_reason(journal: Path) -> None:
    outcome = one(ship(journal, [to_failing(how="reject")]))

    assert (outcome.shipped, outcome.rejected, outcome.pending) == (0, 1200, 0)
    assert outcome.dead_letters is not None
    letters = [json.loads(line) for line in outcome.dead_letters.read_text().splitlines()]
    assert {letter["reason"] for letter in letters} == {"it takes nothing"}
    assert [json.loads(letter["line"])["_id"] for letter in letters] == ids(journal)

    # A second time, as after a kill before the cursor was written: no letter twice.
    ship(journal, [to_failing(how="reject")], again=True)
    assert len(outcome.dead_letters.read_text().splitlines()) == 1200


def test_a_line_that_is_no_document_is_kept_and_stops_nothing(
    journal: Path, tmp_path: Path
) -> None:
    with journal.open("a") as lines:
        lines.write('no json\n["a list"]\n{"_id": "1"}\n' + json.dumps(document(1300)) + "\n")
    outcome = one(ship(journal, [to_file(tmp_path / "out.ndjson")]))

    assert (outcome.shipped, outcome.rejected, outcome.pending) == (1201, 3, 0)
    assert outcome.dead_letters is not None
    letters = [json.loads(line) for line in outcome.dead_letters.read_text().splitlines()]
    assert [letter["line"] for letter in letters] == ["no json", '["a list"]', '{"_id": "1"}']
    assert letters[2]["reason"] == "this line is no document: it lacks @timestamp"


def test_unset_variables_are_named(journal: Path) -> None:
    choice = SinkChoice("file", "file", file.Options("${HERE}/x"), unset=("HERE",))
    outcome = one(ship(journal, [choice], within=60))
    assert (outcome.pending, outcome.trouble) == (1200, "HERE is not set in the environment")


def test_two_do_not_ship_the_same(journal: Path, tmp_path: Path) -> None:
    out = to_file(tmp_path / "out.ndjson")
    with CursorFile(journal, "file", str(tmp_path / "out.ndjson")).hold():
        outcome = one(ship(journal, [out]))
    assert (outcome.pending, outcome.trouble) == (1200, "another process is shipping to it")


def test_a_cursor_that_cannot_be_read_ships_all(journal: Path, tmp_path: Path) -> None:
    ship(journal, [to_file(tmp_path / "out.ndjson")])
    (cursor,) = (journal.parent / "shipped").glob("file-*.json")
    cursor.write_text("{torn")
    assert one(ship(journal, [to_file(tmp_path / "out.ndjson")])).shipped == 1200


def test_a_journal_that_was_replaced_is_shipped_anew(journal: Path, tmp_path: Path) -> None:
    ship(journal, [to_file(tmp_path / "out.ndjson")])
    journal.write_text(json.dumps(document(1)) + "\n")
    assert one(ship(journal, [to_file(tmp_path / "out.ndjson")])).shipped == 1


def runs(tmp_path: Path, count: int) -> list[Path]:
    """Journals of some runs, ten documents each."""
    made = []
    for number in range(count):
        path = tmp_path / f"run-{number}" / "results.ndjson"
        path.parent.mkdir()
        first = number * 10
        lines = (json.dumps(document(n)) + "\n" for n in range(first, first + 10))
        path.write_text("".join(lines))
        made.append(path)
    return made


def test_a_sink_that_is_down_delays_no_other_run(tmp_path: Path) -> None:
    out, down = to_file(tmp_path / "out.ndjson"), to_failing()
    journals = runs(tmp_path, 5)
    stop = threading.Event()
    shipping = threading.Thread(
        target=ship_all, args=([(each, [down, out]) for each in journals], None, stop)
    )
    shipping.start()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if (tmp_path / "out.ndjson").exists() and len(ids(tmp_path / "out.ndjson")) == 50:
            break
        time.sleep(0.05)
    assert shipping.is_alive()
    stop.set()
    shipping.join(30)
    assert len(ids(tmp_path / "out.ndjson")) == 50


def test_a_sink_that_is_down_is_waited_for_once(tmp_path: Path) -> None:
    journals = runs(tmp_path, 50)
    seen: list[str] = []
    began = time.monotonic()
    found = ship_all(
        [(each, [to_failing()]) for each in journals],
        1.0,
        seen=lambda journal, outcome: seen.append(journal.parent.name),
    )
    assert time.monotonic() - began < 10
    assert [journal for journal, _ in found] == journals
    assert seen == [each.parent.name for each in journals]
    assert {outcome.trouble for _, outcome in found} == {"it cannot be reached"}
    assert sum(outcome.pending for _, outcome in found) == 500


def test_one_bad_journal_stops_no_other(tmp_path: Path) -> None:
    journals = runs(tmp_path, 3)
    with journals[1].open("a") as file:
        file.write("no document\n")
    # So its dead letter cannot be written, which waiting does not cure.
    (journals[1].parent / "shipped").write_text("no folder")
    out = tmp_path / "out.ndjson"
    found = [outcome for _, outcome in ship_all([(each, [to_file(out)]) for each in journals], 5.0)]
    assert [outcome.shipped for outcome in found] == [10, 0, 10]
    assert [outcome.pending for outcome in found] == [0, 11, 0]
    assert {f"{n:032x}" for n in (*range(10), *range(20, 30))} <= set(ids(out))


def test_dead_letters_are_each_there_once_and_whole(tmp_path: Path) -> None:
    journal = tmp_path / "run" / "results.ndjson"
    journal.parent.mkdir()
    journal.write_text("".join(json.dumps(document(n)) + "\n" for n in range(20_000)))
    refusing = to_failing(how="reject")
    dead = one(ship(journal, [refusing])).dead_letters
    assert dead is not None
    assert len(dead.read_text().splitlines()) == 20_000

    with dead.open("a") as file:
        file.write('{"at": "a kill came')
    with journal.open("a") as file:
        file.write(json.dumps(document(20_000)) + "\n")
    assert one(ship(journal, [refusing])).rejected == 1
    letters = [json.loads(line) for line in dead.read_text().splitlines()]
    assert len(letters) == 20_001
    assert json.loads(letters[-1]["line"])["_id"] == f"{20_000:032x}"


def test_a_sink_keeps_its_place_wherever_the_spec_names_it(journal: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "a.ndjson", tmp_path / "b.ndjson"
    assert one(ship(journal, [to_file(first)])).shipped == 1200
    both = ship(journal, [to_file(second), to_file(first, "file-2")])
    assert [outcome.shipped for outcome in both] == [1200, 0]
    assert one(ship(journal, [to_file(second)])).shipped == 0
    assert one(ship(journal, [to_file(first)])).shipped == 0
    assert len(ids(first)) == len(ids(second)) == 1200


@pytest.mark.parametrize(
    ("url", "secret", "shown"),
    [
        ("http://u:pw@h:1/x", "pw", "http://h:1/x"),
        ("http://u:p@w@h:1/x", "p@w", "http://h:1/x"),
        ("stomp://u:p/w@h:1", "p/w", "stomp://h:1"),
        ("http://h/c?access_token=abc&index=i", "abc", "http://h/c?…"),
        ("https://h/c?key=abc", "abc", "https://h/c?…"),
    ],
)
def test_secrets_in_urls_are_not_shown(url: str, secret: str, shown: str) -> None:
    assert secrets_of(url) == {secret}
    assert without_secrets(url) == shown


def test_secrets_in_options_are_known() -> None:
    options = http.Options(
        url="https://who:in-the-url@collector.example.org/x",
        headers={"Authorization": "Basic in-a-header", "X-API-Key": "in-another", "accept": "*/*"},
        token="in-a-field",
    )
    assert secrets_of(options) == {"in-the-url", "Basic in-a-header", "in-another", "in-a-field"}
