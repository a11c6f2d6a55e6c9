"""Where in a broker a document goes, and by which key: filled in from its fields."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from lakecheck.sinks.base import Item

_PLACE = re.compile(r"\{([^{}]*)\}")
VARIABLE = re.compile(r"\$\{[^{}]*\}")  # is filled in when documents are shipped
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")  # dots are levels


class Words(Struct):
    """The fields that may stand in a template; msgspec looks no closer at the rest."""

    document: str = ""
    kind: str = ""
    type: str = ""
    status: str = ""
    test: str = ""
    case: str = ""
    check: str = ""
    rse: str = ""


FIELDS = Words.__struct_fields__
_words = msgspec.json.Decoder(Words).decode


def words_of(item: Item) -> Words:
    """Give what of a document may stand in a template; ValueError where it is no JSON."""
    try:
        return _words(item.raw)
    except msgspec.ValidationError:  # somebody else's record, with other types of value
        texts = {name: item.document.get(name) for name in FIELDS}
        return Words(**{name: text for name, text in texts.items() if isinstance(text, str)})


def check_template(option: str, template: str) -> None:
    """Raise ValueError where a template names what a document has not."""
    for name in _PLACE.findall(VARIABLE.sub("", template)):
        if name not in FIELDS:
            listed = ", ".join(f"{{{field}}}" for field in FIELDS)
            raise ValueError(f'{option}: "{template}" has {{{name}}}, which is none of {listed}')


class Addressing:
    """Fills a template such as `lakecheck.{document}.{kind}`, which check_template has seen."""

    def __init__(self, template: str) -> None:
        self._template = template
        self._names = tuple(dict.fromkeys(_PLACE.findall(template)))
        self._known: dict[tuple[str, ...], str] = {}

    def of(self, item: Item) -> tuple[str, str]:
        """Give the place, and the check's address or else the document's id as key."""
        words = words_of(item)
        key = f"{words.test}::{words.case}.{words.check}" if words.check else item.id
        return self.place(words), key

    def place(self, words: Words) -> str:
        """Give the place of a document with these fields."""
        if not self._names:
            return self._template
        values = tuple(getattr(words, name) for name in self._names)
        place = self._known.get(values)
        if place is None:
            if len(self._known) > 10_000:
                self._known.clear()
            place = self._known[values] = self._filled(words)
        return place

    def _filled(self, words: Words) -> str:
        what = words.kind or words.document or "record"
        usual = {"kind": what, "document": "record", "type": what}
        return _PLACE.sub(
            lambda match: _UNSAFE.sub("_", getattr(words, match[1]) or usual.get(match[1], "none")),
            self._template,
        )
