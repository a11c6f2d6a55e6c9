"""Hooks of the lake that is tested from here: the place for its own pytest code.

pytest calls them when it plans and runs specs:

    def pytest_lakecheck_modify_plan(cases): ...    # drop or reorder planned cases, in place
    def pytest_lakecheck_result(result): ...        # hear of each result as it comes
    def pytest_lakecheck_document(document): ...    # add a field to each document, in place

The plug-in itself is installed with lakecheck; listing it here as well would register it twice.
"""
