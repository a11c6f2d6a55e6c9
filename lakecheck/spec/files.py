"""Which files form a spec: those given, those in folders, and what they include, each once."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from lakecheck.errors import UsageError
from lakecheck.spec.nodes import Faults, Node, Place, TooManyFaults, describe, join, quote
from lakecheck.spec.reading import read

SUFFIX = ".lake.yaml"
MOST_FILES = 2_000
DEEPEST = 20  # files that include files that include files …


class SpecFile(Struct, frozen=True):
    """One file of a spec; `shown` is its path as messages name it."""

    shown: str
    root: Node

    @property
    def folder(self) -> Path:
        """Where its relative paths begin."""
        return Path(self.shown).parent


def gather(paths: Sequence[str | Path], faults: Faults) -> list[SpecFile]:
    """Read all files of a spec, what is included before what includes it.

    Raises UsageError for a path that is not there, or a folder without specs.
    """
    reader = _Reader(faults)
    for path in paths:
        for file in _expand(Path(path)):
            reader.take(file)
    return reader.files


def _expand(path: Path) -> list[Path]:
    if os.path.isdir(path):
        found = sorted(_below(path))
        if not found:
            raise UsageError(f"the folder {path} holds no spec; specs end in {SUFFIX}")
        return found
    if not os.path.lexists(path):
        raise UsageError(f"there is no file or folder {path}")
    return [path]


def _below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(parent, name)
            for name in names
            if name.endswith(SUFFIX) and not name.startswith(".")
        ]
    return found


def _shown(path: Path) -> str:
    """Shorten a path below the current folder, as people and editors there name it."""
    here = os.path.join(os.getcwd(), "")
    normal = os.path.normpath(path)
    return normal.removeprefix(here) if os.path.isabs(normal) else normal


class _Reader:
    """Follows includes depth first."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        self.files: list[SpecFile] = []
        self.known: set[str] = set()
        self.open: dict[str, str] = {}  # real path: as shown

    def take(self, path: Path) -> None:
        """Read a file and what it includes, unless that has been done."""
        real = os.path.realpath(path)
        if real in self.known:
            return
        self.known.add(real)
        shown = _shown(path)
        if len(self.known) > MOST_FILES:
            self.faults.add(Place(shown), "", f"a spec has at most {MOST_FILES} files")
            raise TooManyFaults
        if len(self.open) > DEEPEST:
            self.faults.add(Place(shown), "", f"more than {DEEPEST} files that include each other")
            return
        root = read(path, shown, self.faults)
        if root is None:
            return
        file = SpecFile(shown, root)
        self.open[real] = shown
        self._includes(file)
        del self.open[real]
        self.files.append(file)

    def _includes(self, file: SpecFile) -> None:
        node = file.root.get("include")
        if node is None:
            return
        several = node.kind == "list"
        for number, item in enumerate(node.items if several else [node]):
            path = join("include", number) if several else "include"
            if isinstance(item.value, str) and item.value:
                self._include(file, item.value, item.place, path)
            else:
                message = f"expected a path or a list of paths, found {describe(item)}"
                self.faults.add(item.place, path, message)

    def _include(self, file: SpecFile, text: str, place: Place, path: str) -> None:
        if "${" in text:
            message = f"{quote(text)}: environment variables are not taken here"
            self.faults.add(place, path, message)
            return
        target = file.folder / text
        if "\0" in text or not (found := self._matches(target)):
            self.faults.add(place, path, f"there is no file {quote(os.path.normpath(target))}")
            return
        for each in found:
            real = os.path.realpath(each)
            if real in self.open:
                loop = [*list(self.open.values())[list(self.open).index(real) :], self.open[real]]
                self.faults.add(place, path, f"the files include each other: {' → '.join(loop)}")
            elif os.path.isdir(each):
                message = f"{quote(os.path.normpath(each))} is a folder; name its files, as in *"
                self.faults.add(place, path, message + SUFFIX)
            else:
                self.take(each)

    @staticmethod
    def _matches(target: Path) -> list[Path]:
        if os.path.lexists(target):
            return [target]
        return [Path(found) for found in sorted(glob.glob(str(target), recursive=True))]
