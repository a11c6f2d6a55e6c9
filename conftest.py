"""Hooks of the lake that is tested from here: the place for its own pytest code.

`pytest specs/` calls them while it plans and runs; each may leave out arguments it does not use:

    def pytest_lakecheck_modify_plan(config, cases): ...       # drop, change or reorder cases
    def pytest_lakecheck_result(config, result): ...           # hear of each result as it comes
    def pytest_lakecheck_document(config, document): ...       # add fields to a document

The plug-in itself is installed with lakecheck; listing it here as well would register it twice.
"""
