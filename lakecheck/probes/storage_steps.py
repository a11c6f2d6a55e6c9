"""The steps of a functional test."""

from __future__ import annotations

from lakecheck.errors import Corrupt, Unsupported
from lakecheck.probes.base import Measured, Steps, Tools
from lakecheck.probes.functional import NO_CHECKSUMS


async def upload(tools: Tools) -> Measured:
    """Write a new file."""
    payload = tools.payload
    tools.creating()
    await tools.storage.put(tools.url, payload, fresh=True)
    return Measured(bytes=payload.size)


async def stat(tools: Tools) -> Measured:
    """The file is there and has the size that was written."""
    seen = await tools.storage.stat(tools.url)
    if seen.is_folder or seen.size != tools.payload.size:
        found = "a folder" if seen.is_folder else f"{seen.size} bytes"
        raise Corrupt(f"{tools.payload.size} bytes were written, the storage tells {found}")
    return Measured(measures={"compared": "size"})


async def checksum(tools: Tools) -> Measured:
    """The storage's checksum is that of the content; without one, the step does not apply."""
    endpoint = tools.storage.endpoint
    if endpoint.checksum == "none":
        return Measured(skipped=NO_CHECKSUMS)
    wanted = endpoint.algorithm
    try:
        told = await tools.storage.checksum(tools.url, wanted)
    except Unsupported as error:
        if endpoint.checksum != "auto":
            raise
        return Measured(skipped=f"the storage has no checksums: {error.message}")
    expected = tools.payload.md5 if wanted == "md5" else tools.payload.adler32
    if told.lower() != expected:
        raise Corrupt(f"{wanted} of the content is {expected}, the storage tells {told}")
    return Measured(measures={"checksum": f"{wanted}:{told}", "compared": "checksum"})


async def download(tools: Tools) -> Measured:
    """What is read back is what was written, byte by byte."""
    count = await tools.storage.get(tools.url, tools.payload)
    return Measured(bytes=count, measures={"compared": "content"})


async def delete(tools: Tools) -> Measured:
    """The file is removed."""
    await tools.storage.delete(tools.url)
    tools.removed()
    return Measured()


STEPS: Steps = {
    "upload": upload,
    "stat": stat,
    "checksum": checksum,
    "download": download,
    "delete": delete,
}
