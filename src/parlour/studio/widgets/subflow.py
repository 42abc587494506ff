"""run-subflow (studio.md §2.3.8)."""

from __future__ import annotations

from parlour.studio.execution import Event, OpenSubflow, SubflowRefused
from parlour.studio.widgets.visit import Ask, Leave, Outcome, Stay, Visit


class SubflowWidget:
    """Runs another flow inside this execution; the engine comes back by `completed`."""

    def enter(self, visit: Visit) -> Outcome:
        """Evaluate the parameters and ask for the subflow; a subflow has none of its own."""
        flow_sid = visit.widget.text("flow_sid")
        if visit.state.frame is not None:
            visit.fail(81024, f"{flow_sid} was not run: a subflow cannot run a subflow")
            return Leave("failed")
        parameters = visit.named_values("parameters")
        return Ask(OpenSubflow(flow_sid, visit.widget.text("flow_revision"), parameters), "subflow")

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """Leave by `failed` when the subflow cannot run."""
        if isinstance(event, SubflowRefused):
            visit.fail(event.code, event.message)
            return Leave("failed")
        return Stay()
