from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from lakecheck.devlake.ports import BEYOND, FIRST, first_busy, reserve
from lakecheck.errors import UsageError


def test_blocks_never_overlap() -> None:
    with ThreadPoolExecutor(8) as pool:
        blocks = list(pool.map(lambda _: reserve(60), range(40)))
    ports = [block.take() for block in blocks for _ in range(60)]
    assert len(set(ports)) == len(ports)
    assert min(ports) >= FIRST
    assert max(ports) < BEYOND
    for block in blocks:
        block.release()


def test_a_released_block_can_be_had_again() -> None:
    block = reserve(10)
    with pytest.raises(UsageError, match="another lake has ports"):
        reserve(10, block.base)
    block.release()
    again = reserve(10, block.base)
    assert again.take() == block.base
    again.release()


def test_a_port_in_use_is_named() -> None:
    block = reserve(10)
    block.release()
    with socket.create_server(("127.0.0.1", block.base + 3)):
        assert first_busy(block.base, 10) == block.base + 3
        with pytest.raises(UsageError, match=f"port {block.base + 3} is in use"):
            reserve(10, block.base)


@pytest.mark.parametrize("base", [80, 65530])
def test_ports_that_cannot_be_are_refused(base: int) -> None:
    with pytest.raises(UsageError, match="takes a port from 1024 to 65526"):
        reserve(10, base)
