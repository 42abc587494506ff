"""The bus as floors see it: hints to all processes, lost at no cost but time (DESIGN 2.8)."""

from parlour.outbox.process import Hear, Process
from parlour.store.unit import UnitOfWork


class Bus:
    """Gives hints to this process and, once attached to it, to the others."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._listeners: list[tuple[str, Hear]] = []

    def attach(self, process: Process) -> None:
        """Speak and hear through the line of this process from now on."""
        self._process = process
        for subject, call in self._listeners:
            process.hear(subject, call)

    def hear(self, subject: str, call: Hear) -> None:
        """Have ``call`` called with the body of each hint on ``subject``, whichever process gives it."""
        self._listeners.append((subject, call))
        if self._process is not None:
            self._process.hear(subject, call)

    def publish(self, subject: str, body: str = "") -> None:
        """Give a hint: here at once, elsewhere within a few milliseconds; it may be lost."""
        if self._process is not None:
            self._process.publish(subject, body)
            return
        for name, call in self._listeners:
            if name == subject:
                call(body)


class Hints:
    """The hints of one unit of work, given when it is committed."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._hints: dict[tuple[str, str], None] = {}

    def add(self, subject: str, body: str) -> None:
        """Keep a hint; the same one twice is one."""
        self._hints[subject, body] = None

    def statements(self, unit: UnitOfWork) -> list[tuple[str, tuple[object, ...]]]:
        """Return nothing: a hint is not written."""
        return []

    def committed(self) -> None:
        """Give the hints."""
        for subject, body in self._hints:
            self._bus.publish(subject, body)


def hint(uow: UnitOfWork, subject: str, body: str) -> None:
    """Give a hint once this unit is committed."""
    uow.extension(Hints).add(subject, body)
