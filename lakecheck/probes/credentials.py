"""Each credential in use is a check of its own, before anything is blamed on a site."""

from __future__ import annotations

from lakecheck.model import Field, Kind, Step
from lakecheck.probes.python import Options, cases, traffic

KIND = Kind(
    name="credentials",
    title="the credentials in use are found and valid",
    options=Options,
    steps=(Step("valid"),),
    cases=cases,
    traffic=traffic,
    probe="lakecheck.probes.credential_step:STEPS",
    fields=(
        Field("subject", "keyword", "whom the credential names"),
        Field("valid_until", "keyword", "when it ends, RFC 3339 UTC"),
    ),
    declarable=False,
)
