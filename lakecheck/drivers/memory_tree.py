"""A storage's folders and files, in memory."""

from __future__ import annotations

import hashlib
import time
import zlib
from functools import cached_property

from lakecheck.drivers.base import Entry, Stat
from lakecheck.errors import Exists, Missing, ProtocolError
from lakecheck.model import Algorithm


class Content:
    """The bytes of a file, with checksums that are computed when first asked for."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    @cached_property
    def adler32(self) -> str:
        """Eight hex digits, lower case."""
        return f"{zlib.adler32(self.body):08x}"

    @cached_property
    def md5(self) -> str:
        """Thirty-two hex digits, lower case."""
        return hashlib.md5(self.body, usedforsecurity=False).hexdigest()

    def checksum(self, algorithm: Algorithm) -> str:
        """Give the checksum of one algorithm."""
        return self.adler32 if algorithm == "adler32" else self.md5


class Tree:
    """Names of one storage; paths begin with a slash and do not end with one."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[Content, float]] = {}
        self._folders: dict[str, dict[str, bool]] = {"": {}}  # name → is it a folder

    def write(self, path: str, content: Content) -> None:
        """Make a file and its folders; Exists where the name is taken."""
        if path in self._files or path in self._folders:
            raise Exists(f"{path} exists already")
        parent, _, name = path.rpartition("/")
        if parent not in self._folders:
            self.mkdir(parent)
        self._folders[parent][name] = False
        self._files[path] = (content, time.time())

    def read(self, path: str) -> Content:
        """Give a file's content; Missing where there is none."""
        found = self._files.get(path)
        if found is None:
            raise Missing(f"{path} is {'a folder' if path in self._folders else 'not there'}")
        return found[0]

    def stat(self, path: str) -> Stat:
        """Tell size and type of a name; Missing where there is none."""
        found = self._files.get(path)
        if found is not None:
            return Stat(len(found[0].body), False, found[1])
        if path in self._folders:
            return Stat(0, True)
        raise Missing(f"{path} is not there")

    def remove(self, path: str) -> None:
        """Remove a file or an empty folder."""
        if path in self._files:
            del self._files[path]
        elif path not in self._folders:
            raise Missing(f"{path} is not there")
        elif self._folders[path]:
            raise ProtocolError(f"{path} is not empty")
        elif path:
            del self._folders[path]
        parent, _, name = path.rpartition("/")
        self._folders[parent].pop(name, None)

    def list(self, path: str) -> tuple[Entry, ...]:
        """Give the names in a folder, sorted; Missing where there is none."""
        if path not in self._folders:
            raise Missing(f"{path} is not a folder that is there")
        return tuple(Entry(name, folder) for name, folder in sorted(self._folders[path].items()))

    def mkdir(self, path: str) -> None:
        """Make a folder and its parents; Exists where a file has the name."""
        if path in self._folders:
            return
        if path in self._files:
            raise Exists(f"{path} exists already, and is a file")
        parent, _, name = path.rpartition("/")
        self.mkdir(parent)
        self._folders[parent][name] = True
        self._folders[path] = {}
