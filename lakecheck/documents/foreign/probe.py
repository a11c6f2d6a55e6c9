"""Records of grid probes, as MSG and WLCG's monitoring exchange them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lakecheck.documents.foreign.fields import NotUnderstood, text
from lakecheck.documents.result import Document
from lakecheck.publish import gridprobe
from lakecheck.publish.moments import told

# The first line of such a message.
BEGINS = re.compile(rf"\s*{gridprobe.KEY.pattern}[ \t]*:")


def documents(body: str, headers: Mapping[str, str]) -> list[Document]:
    """Make a document of each record of a message; raises NotUnderstood."""
    try:
        otherwise = told(headers["timestamp"]) if headers.get("timestamp") else ""
        return gridprobe.records(body, otherwise, text)
    except ValueError as error:
        raise NotUnderstood(f"it looks like a probe's record, but {error}") from None


def grid_probe(document: Mapping[str, Any]) -> str:
    """Write a document as a probe's record, which `recognise` makes the same document of."""
    return gridprobe.write(document)
