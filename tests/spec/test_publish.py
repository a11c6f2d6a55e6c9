"""`publish:` and `consume:`: what they say, and mistakes with their exact sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from lakecheck.errors import SpecError
from lakecheck.model import Spec
from lakecheck.sinks import failing, file
from lakecheck.spec import load
from lakecheck.units import Duration


def spec(folder: Path, publish: str, **variables: str) -> Spec:
    path = folder / "a.lake.yaml"
    path.write_text(f"lakecheck: 1\ntests: {{}}\n{publish}\n")
    return load([path], variables)


def faults(folder: Path, publish: str) -> list[str]:
    with pytest.raises(SpecError) as raised:
        spec(folder, publish)
    return [f"{fault.line}:{fault.column}: {fault.message}" for fault in raised.value.faults]


def test_each_entry_is_a_sink(tmp_path: Path) -> None:
    found = spec(
        tmp_path,
        "publish:\n"
        "  - file: {path: out.ndjson}\n"
        "  - failing: {how: reject, delay: 2s}\n"
        "  - file: {path: /x/out.ndjson}\n",
    ).publish

    assert [choice.name for choice in found] == ["file", "failing", "file-2"]
    assert found[0].options == file.Options(str(tmp_path / "out.ndjson"))
    assert found[1].options == failing.Options("reject", delay=Duration(2))
    assert found[2].options.path == "/x/out.ndjson"
    assert found[0].origin == f"{tmp_path}/a.lake.yaml:4"


def test_variables_are_taken_and_unset_ones_are_noted(tmp_path: Path) -> None:
    text = 'publish: [file: {path: "${HERE}/${THERE}"}]'
    (both,) = spec(tmp_path, text, HERE="/h", THERE="t").publish
    (one,) = spec(tmp_path, text, HERE="/h").publish

    assert (both.options.path, both.unset) == ("/h/t", ())
    assert (one.options.path, one.unset) == ("/h/${THERE}", ("THERE",))


def test_publishing_elsewhere_does_not_change_what_is_asked(tmp_path: Path) -> None:
    assert spec(tmp_path, "").digest == spec(tmp_path, "publish: [file: {path: x}]").digest


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("publish: file", '3:10: publish: expected a list of sinks, found "file"'),
        (
            "publish: [fil: {path: x}]",
            '3:11: publish[0]: there is no sink "fil"; did you mean "file"? Installed: ',
        ),
        (
            "publish: [{file: {path: x}, failing: {}}]",
            "3:11: publish[0]: expected a map of one sink to its keys, one of ",
        ),
        ("publish: [file]", "3:11: publish[0]: expected a map of one sink to its keys, one of "),
        (
            "publish: [file: {}]",
            '3:17: publish[0].file: the key "path" is missing; expected a text',
        ),
        (
            "publish: [file: {path: x, pth: y}]",
            '3:27: publish[0].file: unknown key "pth"; did you mean "path"?',
        ),
        (
            "publish: [failing: {delay: 3}]",
            "3:28: publish[0].failing.delay: 3 has no unit; write a duration, such as 3s",
        ),
        (
            "publish: [failing: {how: gone}]",
            "3:26: publish[0].failing.how: expected one of down, refuse, reject, crash, found",
        ),
        (
            "publish: [stomp: {url: 'http://me:secret@there', destination: /topic/x}]",
            '3:18: publish[0].stomp: url: "http://there" is no address; write stomp://HOST:PORT, '
            "or stomp+ssl://HOST:PORT for TLS",
        ),
        (
            "publish: [stomp: {url: [], destination: /topic/x}]",
            "3:18: publish[0].stomp: url: none is given; write stomp://HOST:PORT, or ",
        ),
        (
            "publish: [stomp: {url: 'stomp://h', destination: '/topic/{site}'}]",
            '3:18: publish[0].stomp: destination: "/topic/{site}" has {site}, which is none of '
            "{document}, {kind}, {type}",
        ),
        (
            "publish: [amqp: {url: 'amqp://localhost:port'}]",
            '3:17: publish[0].amqp: url: "amqp://localhost:port" is no address; write amqp://',
        ),
        (
            "publish: [amqp: {url: 'amqp://h', routing_key: '{rule}'}]",
            '3:17: publish[0].amqp: routing_key: "{rule}" has {rule}, which is none of ',
        ),
        (
            "publish: [kafka: {brokers: 'h:1', topic: '${X}.{rule}'}]",
            '3:18: publish[0].kafka: topic: "${X}.{rule}" has {rule}, which is none of ',
        ),
        (
            "publish: [http: {url: 'http://me:secret1@[::1'}]",
            '3:17: publish[0].http: url: "http://[::1" is no address; write http://HOST/PATH or ',
        ),
        (
            "publish: [opensearch: {url: 'u:secret@localhost:9200'}]",
            "3:23: publish[0].opensearch: url: it is no address; write https://HOST:9200",
        ),
        (
            "consume: [stomp: {url: 'amqp://h', destination: /topic/x}]",
            '3:18: consume[0].stomp: url: "amqp://h" is no address; write stomp://HOST:PORT, or ',
        ),
        (
            "consume: [stomp: {url: 'stomp://h', destination: [/queue/a, /topic/x]}]",
            "3:18: consume[0].stomp: what /topic/x gets while nobody listens would be lost: give "
            "client_id, a name that no other consumer has, or write durable: false",
        ),
        (
            "publish: [opensearch: {url: 'http://h', data_stream: true, retention: 30d}]",
            "3:23: publish[0].opensearch: retention removes whole indices, and a data stream's ",
        ),
        (
            "consume: [amqp: {url: 'h', queue: q}]",
            "3:17: consume[0].amqp: url: it is no address; write amqp://HOST:PORT/VHOST, or ",
        ),
        ("consume: {}", "3:10: consume: expected a list of sources, found a map"),
    ],
)
def test_mistakes_have_their_sentence(tmp_path: Path, text: str, told: str) -> None:
    (found,) = faults(tmp_path, text)
    assert found.startswith(told)


def test_a_wrong_value_from_the_environment_has_its_sentence(tmp_path: Path) -> None:
    text = 'publish: [opensearch: {url: "${STORE}"}]'
    (sound,) = spec(tmp_path, text, STORE="http://store:9200").publish
    assert sound.unset == ()
    with pytest.raises(SpecError) as told:
        spec(tmp_path, text, STORE="store:9200")
    assert str(told.value).endswith(
        "3:11: opensearch: url: it is no address; write https://HOST:9200"
    )
