"""Failures folded: one suspect for all that fails alike, with what it blocked."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct, field

from lakecheck.views import words
from lakecheck.views.outcome import Outcome
from lakecheck.views.standouts import Role, shares, standouts

SMALL_MESH = 4  # RSEs in a role: up to two RSEs, each is named although all is red
Key = tuple[str, str, str, str, str]


class Suspect(Struct):
    """Who has which trouble: an RSE (in a role), links or a service, with its checks."""

    who: str  # empty for links
    role: str  # "", source, destination, link or service
    status: str
    error_class: str
    side: str
    troubles: list[Outcome] = field(default_factory=list)
    blocked: list[Outcome] = field(default_factory=list)

    @property
    def outcomes(self) -> list[Outcome]:
        """Its failures, or, where it has none of its own, what it blocked."""
        return self.troubles or self.blocked

    @property
    def is_rse(self) -> bool:
        """Whether an RSE is what has the trouble."""
        return self.role not in ("link", "service") and bool(
            self.outcomes[0].rse or self.outcomes[0].source
        )

    @property
    def links(self) -> list[str]:
        """The links it is about, `SRC → DST`, each once."""
        pairs = ((o.source, o.destination) for o in self.outcomes if o.is_link)
        return list(dict.fromkeys(f"{source} → {destination}" for source, destination in pairs))

    @property
    def name(self) -> str:
        """`LAKE-3.davs`, `LAKE-3 as destination`, `LAKE-1 → LAKE-2`, `3 links`."""
        name = self.who
        if self.role == "link":
            name = self.links[0] if len(self.links) == 1 else words.count(len(self.links), "link")
        if self.role == "service":
            return name
        protocols = {outcome.label for outcome in self.outcomes} - {""}
        if len(protocols) > 1:
            protocols = {outcome.protocol for outcome in self.outcomes} - {""}
        if len(protocols) == 1 and self.role != "link":
            name = f"{name}.{protocols.pop()}"
        return f"{name} as {self.role}" if self.role in ("source", "destination") else name

    @property
    def what(self) -> str:
        """`timeout`, or what stands for a class where there is none."""
        if self.error_class:
            return self.error_class
        return "promise broken" if any(o.unmet for o in self.troubles) else self.status

    @property
    def steps(self) -> str:
        """Its checks by name, in order: `upload`, `upload, stat`, `upload … delete`."""
        names = list(dict.fromkeys(outcome.check for outcome in self.outcomes))
        return ", ".join(names) if len(names) < 4 else f"{names[0]} … {names[-1]}"

    @property
    def spread(self) -> str:
        """For an RSE in a role, how many others it fails with; for links, which."""
        if self.role == "destination":
            return f"from {words.count(len({o.source for o in self.outcomes}), 'source')}"
        if self.role == "source":
            number = len({o.destination for o in self.outcomes})
            return f"to {words.count(number, 'destination')}"
        if self.role == "service":
            places = dict.fromkeys(one.place.replace("~", " → ") for one in self.outcomes)
            return words.listing(list(places))
        return words.listing(self.links) if len(self.links) > 1 and self.role == "link" else ""


def suspects(outcomes: Sequence[Outcome]) -> list[Suspect]:
    """Fold failures and errors by who has the trouble and what it is, the greatest first."""
    blame = _Blame(outcomes)
    found: dict[Key, Suspect] = {}
    of: dict[str, Suspect] = {}
    for outcome in outcomes:
        if outcome.is_trouble:
            of[outcome.address] = suspect = _suspect(found, outcome, blame)
            suspect.troubles.append(outcome)
    known = {(one.who, one.error_class): one for one in found.values() if not one.role}
    index = {outcome.address: outcome for outcome in outcomes if outcome.status == "blocked"}
    for outcome in index.values():
        suspect = (
            of.get(_root(outcome, index))
            or known.get((_storage(outcome), outcome.error_class))
            or _suspect(found, outcome, blame)
        )
        suspect.blocked.append(outcome)
    return sorted(_folded(found.values()), key=_gravity)


def _folded(every: Iterable[Suspect]) -> Iterator[Suspect]:
    """Fold the roles of an RSE into the RSE, where it has the same trouble by itself."""
    ones = list(every)
    alone = {(one.who, one.status, one.error_class): one for one in ones if not one.role}
    for one in ones:
        whole = alone.get((one.who, one.status, one.error_class))
        if whole is None or whole is one:
            yield one
        else:
            whole.troubles += one.troubles
            whole.blocked += one.blocked


def _gravity(one: Suspect) -> tuple[bool, bool, int, str, str]:
    number = len(one.troubles) + len(one.blocked)
    return one.status != "failed", one.role == "link", -number, one.who, one.role


def _root(outcome: Outcome, blocked: dict[str, Outcome]) -> str:
    """Follow `blocked_by` to the check that did not pass by itself."""
    seen = {outcome.address}
    address = outcome.blocked_by
    while address in blocked and address not in seen:
        seen.add(address)
        address = blocked[address].blocked_by
    return address


def _storage(outcome: Outcome) -> str:
    """Name the RSE that a blocked check's error is about, such as that of a seed."""
    sides = {"source": outcome.source, "destination": outcome.destination}
    if outcome.side in sides:
        return sides[outcome.side]
    cause = outcome.blocked_by.partition("::")[2]  # such as `LAKE-3.davs.1MB.seed`
    return next((end for end in sides.values() if end and cause.startswith(f"{end}.")), outcome.rse)


def _suspect(found: dict[Key, Suspect], outcome: Outcome, blame: _Blame) -> Suspect:
    who, role = blame(outcome)
    status = outcome.status
    if status == "blocked":  # by something that has no document of its own, such as a seed
        status = "error" if outcome.side == "tester" else "failed"
    key = (who, role, status, outcome.error_class, outcome.blamed_side)
    return found.setdefault(key, Suspect(*key))


class _Blame:
    """Decides which RSE a failed link is held against: the one whose links nearly all fail."""

    def __init__(self, outcomes: Iterable[Outcome]) -> None:
        matrices: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
        for outcome in outcomes:
            if outcome.is_link:
                matrices[self._matrix(outcome)].append(outcome)
        self._standouts = {
            key: {(one.rse, one.role) for one in standouts(links)}
            for key, links in matrices.items()
        }
        self._shares = {key: shares(links) for key, links in matrices.items()}
        self._all_red = {
            key
            for key, every in self._shares.items()
            if len(every) > SMALL_MESH and all(one.is_whole for one in every.values())
        }

    @staticmethod
    def _matrix(outcome: Outcome) -> tuple[str, str, str]:
        return outcome.test, outcome.label, outcome.variant

    def __call__(self, outcome: Outcome) -> tuple[str, str]:
        """Give who and in which role."""
        if outcome.blamed_service:
            return outcome.blamed_service, "service"
        if not outcome.is_link:
            return outcome.place, ""
        key = self._matrix(outcome)
        if key in self._all_red:
            return "", "link"
        roles: dict[Role, str] = {"source": outcome.source, "destination": outcome.destination}
        # The side that the error names comes first where both ends stand out.
        for role, rse in sorted(roles.items(), key=lambda item: item[0] != outcome.blamed_side):
            if (rse, role) in self._standouts[key]:
                return rse, role
        for role, rse in roles.items():
            if role == outcome.blamed_side:
                share = self._shares[key][role, rse]
                if share.bad * 2 >= share.tried:
                    return rse, role
        return "", "link"


def verdict(
    found: Sequence[Suspect], outcomes: Sequence[Outcome], missing: int = 0
) -> tuple[str, ...]:
    """Say how the lake is, in a few sentences: who has trouble, and what; the worst first."""
    counts = Counter(outcome.status for outcome in outcomes)
    rses = {name for o in outcomes for name in (o.rse, o.source, o.destination) if name}
    said = [*_blamed(found, len(rses)), *_ours(found)]
    unfinished = counts["not_run"] + missing
    if unfinished:
        were = "was" if unfinished == 1 else "were"
        said.append(f"{words.count(unfinished, 'check')} {were} never reached.")
    if said:
        return tuple(said)
    if counts["passed"]:
        done = f"All {words.count(counts['passed'], 'check')} passed"
        return (f"{done} on {words.count(len(rses), 'RSE')}." if rses else f"{done}.",)
    return ("Nothing ran: every check was skipped." if outcomes else "No check left a document.",)


def _blamed(found: Sequence[Suspect], number: int) -> Iterator[str]:
    held = [one for one in found if one.status == "failed"]
    rses = list(dict.fromkeys(one.who for one in held if one.is_rse))
    if rses:
        told = [_told(name, [one for one in held if one.who == name]) for name in rses]
        have = "has" if len(rses) == 1 else "have"
        yield f"{len(rses)} of {words.count(number, 'RSE')} {have} trouble: {words.listing(told)}."
    links = [one for one in held if one.role == "link"]
    if links:
        pairs = list(dict.fromkeys(pair for one in links for pair in one.links))
        fail = "fails" if len(pairs) == 1 else "fail"
        told = [f"{words.listing(one.links, 2)} ({one.what})" for one in links]
        yield f"{words.count(len(pairs), 'link')} {fail}: {'; '.join(told[:3])}."
    other = [f"{one.name} ({one.what})" for one in held if not one.is_rse and one.role != "link"]
    if other:
        yield f"Trouble with {words.listing(other)}."


def _told(name: str, ones: Sequence[Suspect]) -> str:
    roles = {one.role for one in ones}
    role = next(iter(roles)) if len(roles) == 1 else ""
    kinds = ", ".join(dict.fromkeys(one.what for one in ones))
    return f"{name} as {role} ({kinds})" if role else f"{name} ({kinds})"


def _ours(found: Sequence[Suspect]) -> Iterator[str]:
    ours = [one for one in found if one.status == "error"]
    if ours:
        number = sum(len(one.troubles) or len(one.blocked) for one in ours)
        places = words.listing(dict.fromkeys(one.who or one.name for one in ours))
        kinds = ", ".join(dict.fromkeys(one.what for one in ours))
        checks = words.count(number, "check")
        yield f"{checks} of {places} could not be judged: our side ({kinds})."
