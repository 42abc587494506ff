"""Who reacts to what: inside the transaction of a fact, or after it (DESIGN 2.4)."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from parlour.outbox.facts import Event
from parlour.outbox.jobs import JobRun
from parlour.store.unit import UnitOfWork

Inside = Callable[[UnitOfWork, Event], Awaitable[None]]
InsideTogether = Callable[[UnitOfWork, Sequence[Event]], Awaitable[None]]
After = Callable[[UnitOfWork, Event], Awaitable[None]]
AfterCall = Callable[[JobRun, Event], Awaitable[None]]
StepHandler = Callable[[UnitOfWork, dict[str, Any]], Awaitable[None]]
JobHandler = Callable[[JobRun, dict[str, Any]], Awaitable[None]]
Lanes = Callable[[Event], Iterable[str]]

inside_handler = TypeVar("inside_handler", bound=Inside)
together_handler = TypeVar("together_handler", bound=InsideTogether)
after_handler = TypeVar("after_handler", bound=After)
call_handler = TypeVar("call_handler", bound=AfterCall)
step_handler = TypeVar("step_handler", bound=StepHandler)
job_handler = TypeVar("job_handler", bound=JobHandler)


@dataclass(frozen=True)
class Subscription:
    """A durable reaction: the handler's name in the job table, and the lanes it wants for an event."""

    handler: str
    lanes: Lanes


@dataclass
class Reactions:
    """What one floor does about facts, jobs and timers.

    :param subscriber: the floor's name; it begins the names of its handlers.
    """

    subscriber: str
    inside_of: dict[str, list[Inside]] = field(default_factory=dict)
    together_of: dict[str, list[InsideTogether]] = field(default_factory=dict)
    after_of: dict[str, list[Subscription]] = field(default_factory=dict)
    after_steps: dict[str, After] = field(default_factory=dict)
    after_calls: dict[str, AfterCall] = field(default_factory=dict)
    steps: dict[str, StepHandler] = field(default_factory=dict)
    jobs: dict[str, JobHandler] = field(default_factory=dict)

    def inside(self, *kinds: str) -> Callable[[inside_handler], inside_handler]:
        """React in the transaction that states the fact: SQL only; a ContractError undoes the whole step."""

        def register(handler: inside_handler) -> inside_handler:
            for kind in kinds:
                self.inside_of.setdefault(kind, []).append(handler)
            return handler

        return register

    def inside_together(self, *kinds: str) -> Callable[[together_handler], together_handler]:
        """React as ``inside`` does, once to all facts of a kind that are stated together; it states no facts itself."""

        def register(handler: together_handler) -> together_handler:
            for kind in kinds:
                self.together_of.setdefault(kind, []).append(handler)
            return handler

        return register

    def after(self, *kinds: str, lanes: Lanes) -> Callable[[after_handler], after_handler]:
        """React after the commit, in one transaction, exactly once, in the order of each lane."""

        def register(handler: after_handler) -> after_handler:
            self.after_steps[self._subscribe(kinds, handler.__name__, lanes)] = handler
            return handler

        return register

    def after_call(self, *kinds: str, lanes: Lanes) -> Callable[[call_handler], call_handler]:
        """React after the commit with calls to others; runs again if it was cut before its last step."""

        def register(handler: call_handler) -> call_handler:
            self.after_calls[self._subscribe(kinds, handler.__name__, lanes)] = handler
            return handler

        return register

    def step(self, name: str) -> Callable[[step_handler], step_handler]:
        """Handle jobs and timers of ``name`` in one transaction, exactly once."""

        def register(handler: step_handler) -> step_handler:
            self.steps[name] = handler
            return handler

        return register

    def job(self, name: str) -> Callable[[job_handler], job_handler]:
        """Handle jobs and timers of ``name`` with calls to others; runs again if it was cut."""

        def register(handler: job_handler) -> job_handler:
            self.jobs[name] = handler
            return handler

        return register

    def _subscribe(self, kinds: tuple[str, ...], name: str, lanes: Lanes) -> str:
        handler = f"{self.subscriber}.{name}"
        for kind in kinds:
            self.after_of.setdefault(kind, []).append(Subscription(handler, lanes))
        return handler


class Registry:
    """All floors' reactions together, bottom floor first."""

    def __init__(self, floors: Iterable[Reactions]) -> None:
        self.inside_of: dict[str, list[Inside]] = {}
        self.together_of: dict[str, list[InsideTogether]] = {}
        self.after_of: dict[str, list[Subscription]] = {}
        self.after_steps: dict[str, After] = {}
        self.after_calls: dict[str, AfterCall] = {}
        self.steps: dict[str, StepHandler] = {}
        self.jobs: dict[str, JobHandler] = {}
        for floor in floors:
            for kind, inside in floor.inside_of.items():
                self.inside_of.setdefault(kind, []).extend(inside)
            for kind, together in floor.together_of.items():
                self.together_of.setdefault(kind, []).extend(together)
            for kind, after in floor.after_of.items():
                self.after_of.setdefault(kind, []).extend(after)
            for mine, theirs in (
                (self.after_steps, floor.after_steps),
                (self.after_calls, floor.after_calls),
                (self.steps, floor.steps),
                (self.jobs, floor.jobs),
            ):
                twice = mine.keys() & theirs.keys()
                if twice:
                    raise ValueError(f"two handlers have the name {min(twice)}")
                mine.update(theirs)  # type: ignore[arg-type]

    def reacts_inside(self, kind: str) -> bool:
        """Say whether anybody reacts to a fact in the transaction that states it."""
        return kind in self.inside_of or kind in self.together_of
