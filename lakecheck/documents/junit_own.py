"""lakecheck's own JUnit read back, many times faster than a parser of XML would.

What `junit` writes is regular: every byte must be as it writes it, from the first on, so nothing is
taken for a case that is not one. Where one is not, as in a file that went through other hands, the
rest is left to the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import IO, Any

from lakecheck.documents.junit_case import is_own
from lakecheck.documents.junit_value import UNWRITABLE, decoded
from lakecheck.documents.result import Document

_BLOCK = 2**16  # bytes
_MOST_KNOWN = 10_000  # fields
_REFERENCES = {
    "&amp;": "&",
    "&lt;": "<",
    "&gt;": ">",
    "&quot;": '"',
    "&#9;": "\t",
    "&#10;": "\n",
    "&#13;": "\r",
}
_REFERENCE = re.compile("&[^;]*;?")
# Tabs and ends of lines are written as references, or a parser would make spaces of them.
_ATTRIBUTE = '"[^"<&\\t\\n\\r]*(?:&(?:amp|lt|gt|quot|#9|#10|#13);[^"<&\\t\\n\\r]*)*"'
_COUNTS = r'tests="\d+" failures="\d+" errors="\d+" skipped="\d+" time="[\d.]+"'
_HEAD = re.compile(
    r"<\?xml version='1\.0' encoding='utf-8'\?>(?:<!-- part \d+ -->)?\n"
    rf"<testsuites name=\"lakecheck\" {_COUNTS}>\n"
)
_SUITE = rf"<testsuite name={_ATTRIBUTE} timestamp={_ATTRIBUTE} {_COUNTS}>\n"
_CASE = rf"<testcase name={_ATTRIBUTE} classname={_ATTRIBUTE} time={_ATTRIBUTE}>\n<properties>\n"
_FIRST = re.compile(_SUITE + _CASE)
_NEXT = re.compile(f"(?:</testsuite>\n{_SUITE})?{_CASE}")
_BEGIN, _BETWEEN, _LAST = '<property name="', '"/>\n<property name="', '"/>\n'
_PROPERTY = re.compile(r'([^"<&\t\n\r]*)" value="([^"<\t\n\r]*)')
_JUDGED = re.compile(
    r"(?:<(failure|error|skipped)"
    rf" message={_ATTRIBUTE} type={_ATTRIBUTE}>"
    r"[^<>&]*(?:&(?:amp|lt|gt);[^<>&]*)*</\1>\n)?"
)
_PROPERTIES_END, _CASE_END = "</properties>\n", "</testcase>\n"
_END = "</testsuite>\n</testsuites>\n"
_NO_CASE = "</testsuites>\n"
_ILLEGAL = bytes(code for code in UNWRITABLE if code < 128)
_NO_CHARACTERS = (b"\xef\xbf\xbe", b"\xef\xbf\xbf")  # U+FFFE and U+FFFF


class Foreign(Exception):
    """From here on the file is not as lakecheck writes it."""


def documents(file: IO[bytes]) -> Iterator[Document]:
    """Give the documents of a file that is at its beginning; Foreign at what is not written so."""
    head = _HEAD.match(_text(file.readline() + file.readline()))
    if not head:
        raise Foreign
    known = _Known()
    case_begins = _FIRST
    for block in _blocks(file):
        *cases, rest = block.split(_CASE_END)
        for text in cases:
            begun = case_begins.match(text)
            if not begun:
                raise Foreign
            yield _document(text, begun.end(), known)
            case_begins = _NEXT
        if rest:
            if rest != (_NO_CASE if case_begins is _FIRST else _END):
                raise Foreign
            return
    raise Foreign  # it is cut off


def _blocks(file: IO[bytes]) -> Iterator[str]:
    """Give the text in pieces of whole cases, then what follows the last case."""
    end = _CASE_END.encode()
    rest = b""
    while block := file.read(_BLOCK):
        rest += block
        cut = rest.rfind(end) + len(end)
        if cut >= len(end):
            yield _text(rest[:cut])
            rest = rest[cut:]
    yield _text(rest)


def _text(raw: bytes) -> str:
    """Decode what XML allows."""
    if len(raw.translate(None, _ILLEGAL)) < len(raw) or any(each in raw for each in _NO_CHARACTERS):
        raise Foreign
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Foreign from None


def _document(case: str, begin: int, known: _Known) -> Document:
    end = case.find(_PROPERTIES_END, begin)
    if not case.startswith(_BEGIN, begin) or not case.endswith(_LAST, begin, end):
        raise Foreign
    if not _JUDGED.fullmatch(case, end + len(_PROPERTIES_END)):
        raise Foreign
    properties = case[begin + len(_BEGIN) : end - len(_LAST)].split(_BETWEEN)
    document = dict(map(known.__getitem__, properties))
    if not is_own(document):
        raise Foreign
    return document


class _Known(dict[str, tuple[str, Any]]):
    """Fields by their text, since most stand in many documents."""

    def __missing__(self, text: str) -> tuple[str, Any]:
        found = _PROPERTY.fullmatch(text)
        if not found:
            raise Foreign
        name, value = found[1], decoded(_resolved(found[2]))
        if not isinstance(value, list | dict):  # or documents would share what can be changed
            if len(self) >= _MOST_KNOWN:
                self.clear()
            self[text] = name, value
        return name, value


def _resolved(text: str) -> str:
    if "&" not in text:
        return text
    try:
        return _REFERENCE.sub(lambda found: _REFERENCES[found[0]], text)
    except KeyError:
        raise Foreign from None
