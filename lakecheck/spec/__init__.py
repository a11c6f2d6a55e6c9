"""The spec language: YAML files → Spec, with every fault at its place."""

from lakecheck.spec.loader import load
from lakecheck.spec.schema import schema

__all__ = ["load", "schema"]
