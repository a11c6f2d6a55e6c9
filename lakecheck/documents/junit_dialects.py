"""What single tools write in a way of their own, each found in the output of the tool itself."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from xml.etree.ElementTree import Element

from lakecheck.documents.result import rfc3339

# gotestsum: the lines by which `go test` frames the output of a test.
_GO = re.compile(r"^ *(?:=== (?:RUN|PAUSE|CONT|NAME) |--- (?:PASS|FAIL|SKIP): ).*\n?", re.M)
# Surefire, Gradle: what every Java machine tells of itself, on every suite.
_JAVA = "java.specification.version"
_MACHINE = re.compile(
    r"(?:awt|file|ftp|http|java|jdk|line|native|os|path|stderr|stdout|sun|surefire|user)\."
    r"|(?:basedir|localRepository|socksNonProxyHosts)$"
)
_FRAMES = "\n\tat "  # Java's stack traces
# CTest's test that could not be started has one of its own words; one that chose to skip has not.
_CHOSE = "SKIP_"
_NEEDS = "Failed test dependencies: "
_REFRAME = re.compile(r"(ReFrame) run (\d+)")
_EMPTY = "(empty)"  # CTest: the name of a suite that has none
# Words for a failure that say no more than that it is one.
_IDLE = frozenset({"error", "fail", "failed", "failure"})
# Groups of three digits, and a fraction after another sign, as languages write them.
_THOUSANDS = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_OTHER_THOUSANDS = re.compile(
    "\\d{1,3}(?:"
    "([ \u00a0\u2009\u202f'\u2019])\\d{3}(?:\\1\\d{3})*([.,]\\d+)?"
    r"|(?:\.\d{3})+,\d+|(?:\.\d{3}){2,})"
)
_EARLIEST = 1971  # Go's zero is the year 1, GoogleTest's and Jest's 1970 in any zone


def told(message: str, text: str) -> str:
    """Give what a failure says: its text, and its message where that is not part of the text."""
    if "=== RUN" in text or "=== RUN" in message:
        message, text = _GO.sub("", message).strip(), _GO.sub("", text).strip()
    if text and (message in text or message.lower() in _IDLE):
        return text
    return f"{message}\n{text}" if message and text else message or text


def is_idle(said: str) -> bool:
    """Whether a failure's words leave open what failed."""
    return not said or said.lower() in _IDLE


def reason(message: str, text: str) -> str:
    """Give why a case was skipped, without stack traces."""
    if "=== RUN" in message:
        message = _GO.sub("", message).strip()
    return message or text.partition(_FRAMES)[0].strip()


def could_not_run(status: str | None, message: str) -> bool:
    """Whether it is CTest's case that could not be started, which CTest counts as failed."""
    return status == "notrun" and bool(message) and not message.startswith(_CHOSE)


def needed(output: str) -> str:
    """Give the fixtures that CTest's case waited for."""
    return output.removeprefix(_NEEDS) if output.startswith(_NEEDS) else ""


def labels(properties: Mapping[str, str]) -> dict[str, str]:
    """Give the properties that tell something of the tests."""
    of_machine = _JAVA in properties
    return {
        name: value
        for name, value in properties.items()
        if name and not (of_machine and _MACHINE.match(name))
    }


def suite_name(suite: Element) -> tuple[str, int]:
    """Give a suite's name, and which run it is of ReFrame, which makes it a part of the name."""
    name = (suite.get("name") or "").strip()
    found = _REFRAME.fullmatch(name) if suite.get("package") == "reframe" else None
    return (found[1], int(found[2]) + 1) if found else ("" if name == _EMPTY else name, 0)


@lru_cache(maxsize=1024)
def moment(text: str) -> str:
    """Read a time, "" where it is none or a zero; without an offset it is taken for UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return ""
    if found.year < _EARLIEST:
        return ""
    return rfc3339((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


def durations(texts: Sequence[str]) -> Sequence[float | None]:
    """Read durations in seconds, at once where they are plain numbers, as mostly they are."""
    try:
        found = list(map(float, texts))
    except ValueError:
        return list(map(seconds, texts))
    return found if min(found) >= 0.0 and sum(found) < math.inf else list(map(seconds, texts))


def seconds(text: str) -> float | None:
    """Read a duration: `0.25`, `1,234.5` and, in other languages, `0,25`, `1.234,5`, `1 234,5`."""
    if not text:
        return None
    try:
        found = float(text)
    except ValueError:
        return _seconds_of_others(text)
    return found if 0.0 <= found < math.inf else None


def _seconds_of_others(text: str) -> float | None:
    told = text.strip().removesuffix("s").strip()
    if _THOUSANDS.fullmatch(told):
        told = told.replace(",", "")
    elif found := _OTHER_THOUSANDS.fullmatch(told):
        told = re.sub(r"[^\d,.]" if found[1] else r"\.", "", told)
    told = told.replace(",", ".")
    return seconds(told) if told != text else None
