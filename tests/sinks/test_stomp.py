"""The STOMP sink on a real ActiveMQ."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from lakecheck.devlake import pki
from lakecheck.documents.foreign import recognise
from lakecheck.sinks.base import SinkTrouble
from lakecheck.sinks.shipper import ship, target_of
from lakecheck.spec import load
from tests.sinks.broker import Broker, item, items, journal_of

PLAIN, TLS = "url", "tls"


def trouble(broker: Broker, destination: str = "/queue/lakecheck.none", **more: Any) -> SinkTrouble:
    """What a sink says that cannot deliver."""
    with pytest.raises(SinkTrouble) as caught:
        broker.sink(destination, **more).deliver(items(3))
    return caught.value


@pytest.mark.parametrize("way", [PLAIN, TLS])
def test_a_journal_goes_there(activemq: Broker, tmp_path: Path, way: str) -> None:
    journal = journal_of(tmp_path, 2500)
    choice = activemq.choice(f"/queue/lakecheck.{way}", url=activemq.settings[way])

    (outcome,) = ship(journal, [choice], within=30)

    assert (outcome.shipped, outcome.pending, outcome.trouble) == (2500, 0, "")
    assert outcome.target == f"{activemq.settings[way]} /queue/lakecheck.{way}"
    taken = activemq.take(f"/queue/lakecheck.{way}", 2500, url=activemq.settings[way])
    assert sorted(taken) == [each.id for each in items(2500)]


def test_what_consumers_get(activemq: Broker) -> None:
    sent = item(1, case="ümläut\\ : \u0000")
    assert activemq.sink("/queue/lakecheck.{document}.{kind}.{status}").deliver([sent]) == []

    consumer = activemq.source("/queue/lakecheck.result.functional.passed")
    (message,) = consumer.receive(10, 5)
    consumer.acknowledge()
    consumer.close()

    assert message.body == sent.raw
    assert message.origin == "/queue/lakecheck.result.functional.passed"
    told = {"_id": sent.id, "content-type": "application/json", "persistent": "true"}
    assert told.items() <= message.headers.items()


def test_each_kind_may_go_elsewhere(activemq: Broker) -> None:
    where = {"tpc": "/queue/lakecheck.links", "verdict": "/queue/lakecheck.judged"}
    sent = [item(1, kind="tpc"), item(2, document="verdict", kind=""), item(3)]
    rest = {"default": "/queue/lakecheck.rest"}

    assert activemq.sink(where | rest).deliver(sent) == []  # type: ignore[arg-type]

    assert activemq.take("/queue/lakecheck.links", 1) == [sent[0].id]
    assert activemq.take("/queue/lakecheck.judged", 1) == [sent[1].id]
    assert activemq.take("/queue/lakecheck.rest", 1) == [sent[2].id]
    with pytest.raises(SinkTrouble, match='says nothing of "functional" and has no default'):
        activemq.sink(where).deliver(sent)  # type: ignore[arg-type]


def test_records_of_others_go_there_whatever_their_fields_hold(activemq: Broker) -> None:
    sent = [item(1, kind=7, status=None, type=["x"])]
    sink = activemq.sink("/queue/lakecheck.others.{kind}.{status}")
    assert sink.deliver(sent) == []
    assert activemq.take("/queue/lakecheck.others.result.none", 1) == [sent[0].id]


def test_consumers_can_select(activemq: Broker) -> None:
    sent = items(3)
    activemq.sink("/queue/lakecheck.selected").deliver(sent)
    selector = f"_id = '{sent[1].id}'"
    assert activemq.take("/queue/lakecheck.selected", 1, selector=selector) == [sent[1].id]
    assert len(activemq.take("/queue/lakecheck.selected", 2)) == 2


def test_the_store_keeps_it_through_a_crash(activemq: Broker) -> None:
    activemq.sink("/queue/lakecheck.kept").deliver(items(300))
    activemq.kill()
    time.sleep(0.3)  # it is gone now
    activemq.until_up()
    assert len(set(activemq.take("/queue/lakecheck.kept", 300))) == 300


def test_a_restart_between_two_batches_is_no_trouble(activemq: Broker) -> None:
    sink = activemq.sink("/queue/lakecheck.between")
    assert sink.deliver(items(10)) == []
    activemq.restart()
    assert sink.deliver(items(20)[10:]) == []
    sink.close()
    assert len(activemq.take("/queue/lakecheck.between", 20)) == 20


def test_probes_records_are_understood_by_who_reads_them(activemq: Broker) -> None:
    sent = item(1, rse="LAKE-1", check="upload", test="t", case="c")
    sink = activemq.sink("/queue/lakecheck.probes", format="grid-probe")
    assert sink.deliver([sent]) == []
    sink.close()

    consumer = activemq.source("/queue/lakecheck.probes")
    (message,) = consumer.receive(1, 5)
    consumer.acknowledge()
    consumer.close()
    assert message.headers["content-type"] == "text/plain"
    assert recognise(message.body, message.headers) == [sent.document]


def test_a_spec_names_it(tmp_path: Path) -> None:
    file = tmp_path / "a.lake.yaml"
    file.write_text(
        "lakecheck: 1\npublish:\n"
        "  - stomp:\n"
        "      url: [stomp://u:pw@one:61613, 'stomp+ssl://two:61614']\n"
        "      destination: {tpc: /topic/links, default: '/topic/lakecheck.{kind}'}\n"
        "      heartbeat: 10s\n"
        "      largest: 1MB\n"
    )
    (choice,) = load([file]).publish
    assert choice.options.destination["default"] == "/topic/lakecheck.{kind}"
    assert (choice.options.heartbeat, choice.options.largest) == (10, 1_000_000)
    assert target_of(choice) == "stomp://one:61613 /topic/links, /topic/lakecheck.{kind}"


def test_what_is_too_large_is_rejected_and_the_rest_goes(activemq: Broker) -> None:
    limit = activemq.settings["largest_frame"]
    sent = [item(n, case="x" * (limit + n if n % 50 == 7 else 500)) for n in range(500)]
    sink = activemq.sink("/queue/lakecheck.large")
    try:
        rejections = sink.deliver(sent)
    except SinkTrouble:  # it may not come to say why
        rejections = sink.deliver(sent)

    assert [each.index for each in rejections] == list(range(7, 500, 50))
    assert "and the broker takes none of" in rejections[0].reason
    assert len(set(activemq.take("/queue/lakecheck.large", 490))) == 490


def test_what_is_larger_than_the_option_is_not_tried(activemq: Broker) -> None:
    sent = [item(1), item(2, case="x" * 5000)]
    (rejection,) = activemq.sink("/queue/lakecheck.option", largest=4000).deliver(sent)
    assert rejection.index == 1
    assert rejection.reason.startswith("it makes a frame of 5")
    assert rejection.reason.endswith("bytes, and largest is 4000 here")
    assert activemq.take("/queue/lakecheck.option", 1) == [sent[0].id]


def test_a_line_torn_inside_is_rejected(activemq: Broker) -> None:
    sent = items(2)
    sent[0].raw = sent[0].raw[:-20]
    (rejection,) = activemq.sink("/queue/lakecheck.torn").deliver(sent)
    assert rejection.index == 0
    assert activemq.take("/queue/lakecheck.torn", 1) == [sent[1].id]


def test_a_wrong_password_is_told(activemq: Broker) -> None:
    error = trouble(activemq, password="wrong")
    assert 'refuses the user "pub"' in str(error)
    assert str(error).endswith("check user and password")
    assert error.lasting
    url = activemq.settings["url"].replace("//", "//pub:wrong@")
    assert ":wrong" not in str(trouble(activemq, url=url))


def test_a_missing_user_is_told(activemq: Broker) -> None:
    assert "refuses us without a user" in str(trouble(activemq, user="", password=""))


def test_a_missing_right_is_told(activemq: Broker) -> None:
    error = trouble(activemq, "/topic/somebody.elses")
    assert "a right is missing (User pub is not authorized to write to: topic" in str(error)
    assert error.lasting


def test_nobody_listening_is_told(activemq: Broker) -> None:
    error = trouble(activemq, url="stomp://127.0.0.1:1")
    wanted = "nobody listens on 127.0.0.1:1; check that the broker runs, and the port"
    assert (str(error), error.lasting) == (wanted, False)


def test_an_unknown_name_is_told(activemq: Broker) -> None:
    assert "nowhere.invalid is not found" in str(trouble(activemq, url="stomp://nowhere.invalid"))


def test_a_tls_port_spoken_to_plainly_is_told(activemq: Broker) -> None:
    url = activemq.settings["tls"].replace("stomp+ssl", "stomp")
    assert "if its port is one of TLS, write stomp+ssl:// in url" in str(trouble(activemq, url=url))


def test_tls_to_a_plain_port_is_told(activemq: Broker) -> None:
    url = activemq.settings["url"].replace("stomp", "stomp+ssl")
    error = trouble(activemq, url=url, timeout=1.0)
    assert str(error).endswith("if it is a port without TLS, write stomp:// in url")


def test_an_untrusted_certificate_is_told(activemq: Broker) -> None:
    error = trouble(activemq, url=activemq.settings["tls"], ca="")
    assert "is not trusted (unable to get local issuer certificate)" in str(error)
    assert error.lasting


def test_files_that_are_missing_are_told(activemq: Broker) -> None:
    tls = activemq.settings["tls"]
    error = trouble(activemq, url=tls, ca="/nowhere")
    assert str(error) == "ca: /nowhere cannot be used: No such file or directory"
    error = trouble(activemq, url=tls, certificate="/nowhere")
    assert str(error).startswith("certificate: /nowhere cannot be used with its key")


def test_a_client_certificate_is_shown(activemq: Broker, tmp_path: Path) -> None:
    own = Path(activemq.settings["ca"]).parents[1] / "activemq"
    certificate, key = str(own / "host.pem"), str(own / "host.key")
    url = activemq.settings["tls"]
    sink = activemq.sink("/queue/lakecheck.shown", url=url, certificate=certificate, key=key)
    assert sink.deliver([item(1)]) == []
    sink.close()

    stranger = pki.make_host(pki.make_authority("another authority"))
    file = tmp_path / "stranger.pem"
    file.write_bytes(stranger.certificate_pem + stranger.key_pem)
    error = trouble(activemq, url=url, certificate=str(file))
    assert "at the log-in; check user, password and certificate" in str(error)


def test_the_first_that_answers_is_taken(activemq: Broker) -> None:
    url = ("stomp://127.0.0.1:1", activemq.settings["url"])
    assert activemq.sink("/queue/lakecheck.second", url=url).deliver(items(3)) == []
    assert len(activemq.take("/queue/lakecheck.second", 3)) == 3


def test_each_of_a_list_is_told_where_none_answers(activemq: Broker) -> None:
    error = trouble(activemq, url=("stomp://127.0.0.1:1", "stomp://127.0.0.1:2"))
    assert "nobody listens on 127.0.0.1:1" in str(error)
    assert "nobody listens on 127.0.0.1:2" in str(error)
