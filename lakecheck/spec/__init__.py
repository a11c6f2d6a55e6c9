"""The spec language: YAML files → Spec, with every fault at its place."""

from lakecheck.spec.catalogues import Source
from lakecheck.spec.loader import flows, load, sources
from lakecheck.spec.schema import schema

__all__ = ["Source", "flows", "load", "schema", "sources"]
