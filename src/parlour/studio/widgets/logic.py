"""split-based-on and set-variables (studio.md §2.3.5, §3)."""

from __future__ import annotations

from parlour.studio.conditions import holds
from parlour.studio.definition import Transition
from parlour.studio.execution import Event, Json
from parlour.studio.widgets.visit import Leave, LeaveTo, Outcome, Stay, Visit


class SplitWidget:
    """Takes the first exit whose conditions all hold; the subject is the `input` property."""

    def enter(self, visit: Visit) -> Outcome:
        """Choose the exit."""
        subject = visit.text("input")
        for transition in visit.widget.transitions:
            if transition.event == "match" and _holds(visit, transition, subject):
                return LeaveTo("match", transition)
        otherwise = visit.widget.exit("noMatch")
        if otherwise is None or otherwise.next is None:
            visit.warn(81005, "no transition of the split matches and noMatch leads nowhere")
        return LeaveTo("noMatch", otherwise)

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """A split never waits."""
        return Stay()


def _holds(visit: Visit, transition: Transition, subject: str) -> bool:
    return bool(transition.conditions) and all(
        holds(condition.type, subject, visit.render(condition.value, "conditions"))
        for condition in transition.conditions
    )


class SetVariablesWidget:
    """Sets flow variables, each visible to the templates of the next."""

    def enter(self, visit: Visit) -> Outcome:
        """Set all variables and leave."""
        return Leave("next", visit.named_values("variables", into=_variables(visit)))

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """Setting variables never waits."""
        return Stay()


def _variables(visit: Visit) -> Json:
    flow = visit.state.context.setdefault("flow", {})
    variables = flow.setdefault("variables", {}) if isinstance(flow, dict) else {}
    return variables if isinstance(variables, dict) else {}
