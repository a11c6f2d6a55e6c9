"""Files → merged sections: what each entry says, decoded, and where it stands."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from lakecheck.spec import language
from lakecheck.spec.catalogues import SERVER, decode_catalogue
from lakecheck.spec.files import SpecFile
from lakecheck.spec.kinds import TestContent, decode_test
from lakecheck.spec.nested_shapes import ListOf
from lakecheck.spec.nodes import Faults, Node, Place, describe, join, quote
from lakecheck.spec.records import keys, record_of, unknown_key
from lakecheck.spec.scalar_shapes import Text
from lakecheck.spec.services import ServiceContent, decode_service
from lakecheck.spec.shapes import INVALID, Context, Reference
from lakecheck.spec.sinks import GROUPS, Section, SinkContent, decode_sink

Content = TypeVar("Content")


class Entry(Struct, Generic[Content], frozen=True):
    """One named entry; `content` is None where it is faulty."""

    place: Place
    folder: Path
    content: Content | None
    node: Node | None = None
    origin: str = ""  # where it came from, if not from its place alone

    @property
    def written(self) -> Mapping[str, object]:
        """The keys that stand in the file."""
        return self.node.entries if self.node else {}


class Sections(Struct):
    """All sections of all files, merged; entries in the order in which they stand."""

    rses: dict[str, Entry[language.RSEEntry]] = field(default_factory=dict)
    credentials: dict[str, Entry[language.CredentialEntry]] = field(default_factory=dict)
    services: dict[str, Entry[ServiceContent]] = field(default_factory=dict)
    tests: dict[str, Entry[TestContent]] = field(default_factory=dict)
    publish: list[Entry[SinkContent]] = field(default_factory=list)
    consume: list[Entry[SinkContent]] = field(default_factory=list)
    ca: Entry[str] | None = None
    catalogues: dict[str, Entry[language.CatalogueEntry]] = field(default_factory=dict)
    gone: dict[str, Entry[language.RSEEntry]] = field(default_factory=dict)  # from catalogues
    left_out: tuple[str, ...] = ()  # names and globs of `except`
    references: dict[str, list[Reference]] = field(default_factory=dict)  # by entry's path


Decoder = Callable[[Node, str, Context], Any]
_NAME = re.compile(language.NAME)
SECTIONS = (
    *("lakecheck", "include", "inventory", "credentials", "services", "tests"),
    *("publish", "consume"),
)


class Merger:
    """Takes files one after the other; the same name twice is a fault with both places."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.sections = Sections()
        self.versions = 0

    def take(self, file: SpecFile) -> None:
        """Add the sections of one file."""
        for key, (place, node) in file.root.entries.items():
            if key == "lakecheck":
                self._version(node)
            elif key == "inventory":
                self._inventory(node, file.folder)
            elif key in ("credentials", "services"):
                self._named(key, node, file.folder)
            elif key == "tests":
                self._entries(self.sections.tests, node, "tests", file.folder, decode_test)
            elif key == "publish":
                self._sinks("publish", self.sections.publish, node, file.folder)
            elif key == "consume":
                self._sinks("consume", self.sections.consume, node, file.folder)
            elif key in language.PLANNED_SECTIONS:
                message = f'this version does not know the section "{key}" yet'
                self.faults.add(place, "", message)
            elif key not in SECTIONS:
                self.faults.add(place, "", unknown_key(key, dict.fromkeys(SECTIONS)))

    def catalogues(self, file: SpecFile) -> None:
        """Add only the catalogues of one file."""
        inventory = file.root.get("inventory")
        for key, (place, value) in inventory.entries.items() if inventory else ():
            if key in language.CATALOGUES:
                self._catalogue(key, place, value, file.folder)

    def names(self, file: SpecFile) -> None:
        """Add only the services and credentials of one file, which its catalogues may name."""
        for key in ("credentials", "services"):
            if node := file.root.get(key):
                self._named(key, node, file.folder)

    def flows(self, file: SpecFile) -> None:
        """Add only the sinks and sources of one file."""
        into = {"publish": self.sections.publish, "consume": self.sections.consume}
        for section in GROUPS:
            node = file.root.get(section)
            if node is not None:
                self._sinks(section, into[section], node, file.folder)

    def _version(self, node: Node) -> None:
        self.versions += 1
        if type(node.value) is not int or node.value != language.VERSION:
            expected = f"expected {language.VERSION}, the version of this language"
            message = f"{expected}, found {describe(node)}"
            self.faults.add(node.place, "lakecheck", message)

    def _inventory(self, node: Node, folder: Path) -> None:
        if node.kind != "map":
            message = f"expected {keys(language.INVENTORY)}, found {describe(node)}"
            self.faults.add(node.place, "inventory", message)
            return
        for key, (place, value) in node.entries.items():
            if key == "ca":
                self._ca(place, value, folder)
            elif key == "rses":
                decode = record_of(language.RSEEntry).decode
                self._entries(self.sections.rses, value, "inventory.rses", folder, decode)
            elif key in language.CATALOGUES:
                self._catalogue(key, place, value, folder)
            elif key == "except":
                shape = ListOf(language.RSE_GLOB)
                names = shape.decode(value, "inventory.except", Context(self.faults))
                self.sections.left_out += () if names is INVALID else names
            else:
                message = unknown_key(key, dict.fromkeys(language.INVENTORY))
                self.faults.add(place, "inventory", message)

    def _catalogue(self, name: str, place: Place, node: Node, folder: Path) -> None:
        path = join("inventory", name)
        if name in self.sections.catalogues:
            message = f"given twice; first in {self.sections.catalogues[name].place}"
            self.faults.add(place, path, message)
            return
        context = Context(self.faults, takes_variables=name == SERVER)
        content = decode_catalogue(name, node, path, context)
        entry = Entry(place, folder, None if content is INVALID else content, node)
        self.sections.catalogues[name] = entry

    def _ca(self, place: Place, node: Node, folder: Path) -> None:
        path = "inventory.ca"
        if self.sections.ca:
            message = f"given twice; first in {self.sections.ca.place}"
            self.faults.add(place, path, message)
            return
        shape = Text("the path of a folder or bundle of CA certificates")
        text = shape.decode(node, path, Context(self.faults))
        self.sections.ca = Entry(place, folder, None if text is INVALID else text)

    def _named(self, key: str, node: Node, folder: Path) -> None:
        if key == "services":
            entries = self.sections.services
            self._entries(entries, node, key, folder, decode_service, variables=True)
            return
        decode = record_of(language.CredentialEntry).decode
        self._entries(self.sections.credentials, node, key, folder, decode, secret=True)

    def _sinks(
        self, section: Section, into: list[Entry[SinkContent]], node: Node, folder: Path
    ) -> None:
        if node.kind != "list":
            message = f"expected a list of {GROUPS[section]}, found {describe(node)}"
            self.faults.add(node.place, section, message)
            return
        for number, item in enumerate(node.items):
            path = join(section, number)
            context = Context(self.faults, takes_variables=True, secret=True)
            content = decode_sink(section, item, path, context)
            into.append(Entry(item.place, folder, None if content is INVALID else content))

    def _entries(
        self,
        into: dict[str, Entry[Any]],
        node: Node,
        section: str,
        folder: Path,
        decode: Decoder,
        secret: bool = False,
        variables: bool = False,
    ) -> None:
        if node.kind != "map":
            message = f"expected a map of names to their entries, found {describe(node)}"
            self.faults.add(node.place, section, message)
            return
        for name, (place, value) in node.entries.items():
            if not _NAME.fullmatch(name):
                message = f"{quote(name)} is no name; a name has letters, digits, - and _"
                message = unknown_key(name, {}) if name == "<<" else message
                self.faults.add(place, section, message)
                continue
            path = join(section, name)
            context = Context(self.faults, takes_variables=secret or variables, secret=secret)
            content = decode(value, path, context)
            if name in into:
                noun = {"inventory.rses": "RSE"}.get(section, section.removesuffix("s"))
                message = f'duplicate {noun} "{name}"; first in {into[name].place}'
                self.faults.add(place, section, message)
                continue
            into[name] = Entry(place, folder, None if content is INVALID else content, value)
            self.sections.references[path] = context.references


def merge(files: list[SpecFile], faults: Faults) -> Sections:
    """Decode and merge the sections of all files."""
    merger = Merger(faults)
    for file in files:
        merger.take(file)
    if files and not merger.versions:
        message = f'the key "lakecheck" is missing; write lakecheck: {language.VERSION}'
        faults.add(Place(files[-1].shown), "", message)
    return merger.sections
