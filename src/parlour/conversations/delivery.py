"""The summary of a message's receipts (conversations.md §4.6)."""

from collections.abc import Sequence

# A status counts for every stage it has passed: what was read was also delivered and sent.
STAGES: dict[str, frozenset[str]] = {
    "sent": frozenset({"sent", "delivered", "read", "undelivered"}),
    "delivered": frozenset({"delivered", "read"}),
    "read": frozenset({"read"}),
    "failed": frozenset({"failed"}),
    "undelivered": frozenset({"undelivered"}),
}
RANKS: dict[str | None, int] = {None: 0, "sent": 1, "delivered": 2, "read": 3}
FINAL = frozenset({"failed", "undelivered", "read"})


def summary(statuses: Sequence[str | None], *, total: int) -> dict[str, int | str] | None:
    """Return `delivery` of a message with `total` non-chat recipients, None when it has none."""
    total = max(total, len(statuses))
    if total == 0:
        return None
    shares: dict[str, int | str] = {"total": total}
    for stage, passed in STAGES.items():
        count = sum(status in passed for status in statuses)
        shares[stage] = "none" if count == 0 else "all" if count == total else "some"
    return shares


def moves_forward(current: str | None, status: str) -> bool:
    """Tell whether a receipt may go from `current` to `status`: null < sent < delivered < read; failures are final."""
    if current in FINAL:
        return False
    if status in ("failed", "undelivered"):
        return RANKS[current] < RANKS["delivered"]
    return RANKS[status] > RANKS[current]
