"""Paths that a spec holds, from where it stands."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lakecheck.spec.scalar_shapes import VARIABLE


def located(folder: Path, text: str, variables: Mapping[str, str]) -> str:
    """Give a path, absolute; variables that are not set stay as written.

    What comes from the environment was meant from where the user stands, and not from the spec.
    """
    filled = VARIABLE.sub(lambda match: variables.get(match[1]) or match[0], text)
    base = Path() if VARIABLE.search(text) else folder
    return os.path.abspath(base / os.path.expanduser(filled))
