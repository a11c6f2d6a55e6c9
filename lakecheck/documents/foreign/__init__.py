"""Foreign events become documents: of Rucio, of FTS, of grid probes and of other testers."""

from lakecheck.documents.foreign.body import recognise
from lakecheck.documents.foreign.fields import NotUnderstood
from lakecheck.documents.foreign.probe import grid_probe

__all__ = ["NotUnderstood", "grid_probe", "recognise"]
