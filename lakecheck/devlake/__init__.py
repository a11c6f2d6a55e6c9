"""A throw-away data lake on loopback, of real servers.

    with Lake.start(folder, rses=3, only=None, faults=None, gsi=False) as lake:
        lake.rses["LAKE-1"].root      # root://127.0.0.1:PORT//data
        lake.rses["LAKE-1"].davs      # davs://127.0.0.1:PORT/data
        lake.inventory, lake.ca, lake.proxy
        lake.fault("LAKE-2", "hang")  # and back with "none"
        lake.data_dir("LAKE-1")       # the folder of its files
        lake.kill("LAKE-REDIR", server=1)

RSEs are `LAKE-1`…`LAKE-N`, `LAKE-REDIR`, `LAKE-GSIFTP` and `LAKE-APACHE`; `only=["LAKE-1"]`
leaves the others out.
"""

from lakecheck.devlake.lake import Lake, LakeRse

__all__ = ["Lake", "LakeRse"]
