"""Which table a SID lives in, so that a floor may ask for a SID of another (DESIGN §1).

This is also the tenant check of every SID in every form.
"""

from dataclasses import dataclass

from parlour.store.unit import Reader


@dataclass(frozen=True)
class _Place:
    table: str
    column: str
    where: str


_places: dict[str, list[_Place]] = {}


def register(prefix: str, table: str, column: str = "sid", *, where: str = "TRUE") -> None:
    """Say that SIDs of ``prefix`` are rows of ``table``; called at import of a floor's ``store.py``.

    :param where: further condition in SQL, such as ``removed_at IS NULL``.
    """
    place = _Place(table, column, where)
    known = _places.setdefault(prefix, [])
    if place not in known:
        known.append(place)


def known_prefixes() -> frozenset[str]:
    """Return the prefixes that can be checked."""
    return frozenset(_places)


async def check(reader: Reader, sid: str) -> bool:
    """Say whether ``sid`` is a row of the reader's account."""
    for place in _places.get(sid[:2], []):
        found = await reader.fetchval(
            f"SELECT 1 FROM {place.table} WHERE account_sid = $1 AND {place.column} = $2 AND {place.where}",  # noqa: S608
            reader.account_sid,
            sid,
        )
        if found:
            return True
    return False
