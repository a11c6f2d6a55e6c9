"""The services that a lake can have beside its storages, each in a module of its own."""

from __future__ import annotations

import importlib

from lakecheck.devlake.service import ServiceKind

# Name, as in `--with`, and the module here that has it.
MODULES = {
    "opensearch": "opensearch",
    "opensearch-secure": "opensearch",
    "elasticsearch": "opensearch",
    "activemq": "activemq",
    "activemq-pair": "activemq",
    "kafka": "kafka",
    "rabbitmq": "rabbitmq",
    "postgresql": "postgresql",
    "fts": "fts",
    "rucio": "rucio",
}
NAMES = tuple(MODULES)


def kind_of(name: str) -> ServiceKind:
    """Give a service's kind; its module is imported now."""
    module = importlib.import_module(f"{__name__}.{MODULES[name]}")
    kinds: dict[str, ServiceKind] = {kind.name: kind for kind in module.KINDS}
    return kinds[name]
