"""The lake's transfer service: FTS3's REST interface over real copies, for one machine only.

It is a stand-in. Submissions, states, replies and reasons are those of an FTS3 server, and the
storages copy for real; there is no optimizer, no second host, no VOMS and no tape.
"""

BANNER = (
    "This is the transfer service of an embedded lake: a stand-in that speaks FTS3's REST "
    "interface and copies for real, made for tests on one machine; it is not FTS3."
)
