"""What the operator sets for executions: how many start in a second, how long ended ones are kept (studio.md §5.4)."""

from datetime import timedelta

from parlour.kit.rates import Rates
from parlour.store.unit import UnitOfWork


class Limits:
    """Settings that every unit of work carries.

    :ivar inbound: how often a message may start an execution, by account.
    :ivar by_rest: the same for executions that REST starts.
    :ivar ended_kept: domain time after which an ended execution is removed; zero: never.
    """

    def __init__(self, *, inbound: Rates, by_rest: Rates, ended_kept: timedelta) -> None:
        self.inbound = inbound
        self.by_rest = by_rest
        self.ended_kept = ended_kept

    def statements(self, _unit: UnitOfWork) -> list[tuple[str, tuple[object, ...]]]:
        """Write nothing."""
        return []

    def committed(self) -> None:
        """Take no notice."""
