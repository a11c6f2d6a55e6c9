"""Runs cases concurrently, ends what hangs, leaves one document for every planned check."""

from lakecheck.engine.engine import Engine
from lakecheck.engine.folder import RunFolder
from lakecheck.engine.limits import Limits

__all__ = ["Engine", "Limits", "RunFolder"]
