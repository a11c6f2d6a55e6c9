"""Declarative tests and policies for data lakes."""


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module 'lakecheck' has no attribute {name!r}")
    # Looked up only when asked for: each worker process would pay 30 ms for this import.
    from importlib.metadata import version

    return version("lakecheck")
