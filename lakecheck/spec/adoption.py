"""Catalogues' RSEs, from their locks, beneath those that the spec itself declares."""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from msgspec import structs

from lakecheck.spec.catalogues import Source
from lakecheck.spec.language import RSEEntry
from lakecheck.spec.locks import Lock, Unusable, entry_of, joined, read_lock
from lakecheck.spec.nodes import Faults, join, near
from lakecheck.spec.records import record_of
from lakecheck.spec.sections import Entry, Sections
from lakecheck.spec.shapes import Reference
from lakecheck.spec.sources import sources_of

Found = dict[str, Entry[RSEEntry]]


def adopt(sections: Sections, faults: Faults, whole: bool) -> bool:
    """Merge the RSEs of locks into the sections; False where RSEs are missing for a fault.

    `whole` says that all files could be read, so that what they lack is lacking.
    """
    locks = _locks(sections, faults)
    sound = len(locks) == len(sections.catalogues)
    listed = _listed(locks, sections)
    sections.gone = _gone(locks, sections)
    ignored = {each.what for lock in locks.values() for each in lock.ignored}
    declared, sections.rses = sections.rses, {}
    for name in dict.fromkeys([*listed, *declared]):
        entry = _merged(sections, name, listed.get(name), declared.get(name))
        if any(fnmatchcase(name, pattern) for pattern in sections.left_out):
            continue
        if entry.content and not entry.content.endpoints:
            # One that the catalogue no longer has is not the spec's mistake.
            if sound and whole and name not in sections.gone and name not in ignored:
                _note_missing(name, entry, listed, bool(locks), faults)
            continue
        sections.rses[name] = entry
    for name in sections.rses:
        sections.gone.pop(name, None)
    return sound


def _locks(sections: Sections, faults: Faults) -> dict[Source, Lock]:
    """Read the locks that are sound, in the order in which they count."""
    found: dict[Source, Lock] = {}
    taken: dict[Path, str] = {}
    for source in sources_of(sections, {}):
        path = join("inventory", source.name)
        try:
            if source.lock in taken:
                other = taken[source.lock]
                raise Unusable(f"{other} has the same lock {source.lock}; give each its own")
            taken[source.lock] = source.name
            found[source] = read_lock(source.lock, source.name)
        except FileNotFoundError:
            message = (
                f"there is no lock {source.lock} yet; "
                "`lakecheck inventory update` reads the catalogue and writes it"
            )
            faults.add(source.place, path, message)
        except Unusable as error:
            faults.add(source.place, path, str(error))
    return found


def _listed(locks: dict[Source, Lock], sections: Sections) -> Found:
    """Give what all locks say, each RSE with the names of those that have it."""
    listed: Found = {}
    for name, rse in joined(locks.values()).items():
        having = [source for source, lock in locks.items() if name in lock.rses]
        origin = ", ".join(f"{source.name} ({source.lock})" for source in having)
        folder = sections.catalogues[having[0].name].folder
        listed[name] = Entry(having[0].place, folder, entry_of(rse), origin=origin)
    return listed


def _gone(locks: dict[Source, Lock], sections: Sections) -> Found:
    """Give the RSEs that catalogues had once, as they were then."""
    return {
        name: Entry(source.place, sections.catalogues[source.name].folder, entry_of(rse))
        for source, lock in reversed(locks.items())
        for name, rse in lock.gone.items()
    }


def _merged(
    sections: Sections,
    name: str,
    listed: Entry[RSEEntry] | None,
    declared: Entry[RSEEntry] | None,
) -> Entry[RSEEntry]:
    """Lay what the spec declares over what catalogues say, key by key."""
    if listed is None:
        assert declared is not None
        return declared
    assert listed.content is not None
    references = sections.references.setdefault(join("inventory.rses", name), [])
    if declared is None or "endpoints" not in declared.written:
        references += [
            Reference("scheme", url.scheme, listed.place, f"inventory.rses.{name} in its lock")
            for url in listed.content.endpoints
        ]
    if declared is None or declared.content is None:
        return listed
    changes = {key: getattr(declared.content, key) for key in declared.written}
    if "attributes" in changes:
        changes["attributes"] = {**listed.content.attributes, **changes["attributes"]}
    return structs.replace(
        declared,
        content=structs.replace(listed.content, **changes),
        origin=f"{listed.origin}, {declared.place}",
    )


def _note_missing(
    name: str, entry: Entry[RSEEntry], listed: Found, catalogues: bool, faults: Faults
) -> None:
    expected = record_of(RSEEntry).fields["endpoints"].expected
    message = f'the key "endpoints" is missing; expected {expected}'
    if catalogues:
        message = f"no catalogue has this RSE{near(name, listed)}; else {message}"
    place = entry.node.place if entry.node else entry.place
    faults.add(place, join("inventory.rses", name), message)
