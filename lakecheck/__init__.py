"""Declarative tests and policies for data lakes."""

from importlib.metadata import version

__version__ = version("lakecheck")
