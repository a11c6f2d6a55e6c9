"""Hooks of the lake that is tested from here: the place for its own pytest code.

lakecheck calls them while it plans and runs, for `pytest specs/` as well as for `lakecheck run`:

    def pytest_lakecheck_modify_plan(cases): ...    # drop, reorder or waive cases
    def pytest_lakecheck_result(result): ...        # hear of each result as it comes
    def pytest_lakecheck_document(document): ...    # add a field to each document

The plug-in itself is installed with lakecheck; listing it here as well would register it twice.
"""
