"""Tests of lakecheck; tests/ROOM mirrors lakecheck/ROOM."""
