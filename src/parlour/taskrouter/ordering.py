"""The order of a list as SQL, with its keyset (taskrouter.md §1.1)."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Ordering:
    """Columns of an ORDER BY, each with its direction; the SID always comes last."""

    columns: tuple[tuple[str, bool], ...]

    def sql(self, table: str, alias: str, after: int, limit: int) -> str:
        """The clauses: rows after the one whose SID is parameter ``after``, in order, as many as ``limit``.

        Column names come from the code, never from the request.
        """
        columns = (*self.columns, (f"{alias}.sid", False))
        bound = [
            f"(SELECT {name} FROM {table} AS {alias} WHERE {alias}.account_sid = $1 AND {alias}.sid = ${after})"  # noqa: S608
            for name, _ in columns
        ]
        terms = []
        for index, (name, descending) in enumerate(columns):
            equal = [f"{columns[at][0]} = {bound[at]}" for at in range(index)]
            terms.append("(" + " AND ".join([*equal, f"{name} {'<' if descending else '>'} {bound[index]}"]) + ")")
        order = ", ".join(f"{name} {'DESC' if descending else 'ASC'}" for name, descending in columns)
        return f"AND (${after}::text IS NULL OR {' OR '.join(terms)}) ORDER BY {order} LIMIT ${limit}"


BY_SID: Final = Ordering(())
