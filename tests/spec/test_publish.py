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
        ("consume: {}", "3:10: consume: expected a list of sources, found a map"),
    ],
)
def test_mistakes_have_their_sentence(tmp_path: Path, text: str, told: str) -> None:
    (found,) = faults(tmp_path, text)
    assert found.startswith(told)
