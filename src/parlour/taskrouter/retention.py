"""How long a finished task can still be read, which the operator sets (taskrouter.md §2.3)."""

from datetime import timedelta

from parlour.store.unit import UnitOfWork


class Retention:
    """A setting that every unit of work carries.

    :ivar finished_tasks: domain time after which a finished task is removed.
    """

    def __init__(self, finished_tasks: timedelta) -> None:
        self.finished_tasks = finished_tasks

    def statements(self, _unit: UnitOfWork) -> list[tuple[str, tuple[object, ...]]]:
        """Write nothing."""
        return []

    def committed(self) -> None:
        """Take no notice."""
