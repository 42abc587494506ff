"""Runs one test of a flow and says how it differs from what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from msgspec import UNSET

from parlour.kit.wire import decode_json, json_text
from parlour.studio.definition import Definition
from parlour.studio.execution import CallHttp, Json, RecordStep
from parlour.studio.rehearsal.script import Message, Test, same
from parlour.studio.rehearsal.stage import Said, Stage, words_of


@dataclass(frozen=True, order=True)
class Difference:
    """Something that is not as expected; `step` is the number of the step at which it shows, from 1."""

    step: int
    widget: str
    what: str
    expected: str = field(compare=False)
    found: str = field(compare=False)


@dataclass(frozen=True)
class Verdict:
    """What became of a test: its differences, the earliest step first."""

    test: Test
    stage: Stage
    differences: list[Difference]

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.differences


def rehearse(definition: Definition, test: Test, subflows: Mapping[str, Definition]) -> Verdict:
    """Run a test."""
    stage = Stage(
        definition,
        test.opening(),
        answers={name: each if isinstance(each, list) else [each] for name, each in test.answers.items()},
        refused=frozenset(test.refused),
        subflows=subflows,
    )
    judge = _Judge(test, stage)
    judge.play()
    judge.look_back()
    found = sorted(judge.differences, key=lambda each: each.step)
    return Verdict(test, stage, found)


@dataclass
class _Judge:
    test: Test
    stage: Stage
    differences: list[Difference] = field(default_factory=list)
    heard: int = 0

    def play(self) -> None:
        """Play the script, and look at each message when its turn comes."""
        self.stage.start()
        listens = any(turn.bot is not None for turn in self.test.script)
        for turn in self.test.script:
            if turn.bot is not None:
                self._hear(turn.bot if isinstance(turn.bot, Message) else Message(turn.bot))
                continue
            if listens:
                self._nothing_more()
            if turn.customer is not None:
                self.stage.customer(turn.customer)
            elif turn.wait is not None:
                self.stage.wait(turn.wait)
            else:
                self.stage.undelivered(turn.undelivered or 30003)
        if listens:
            self._nothing_more()

    def look_back(self) -> None:
        """Look at what is expected of the whole."""
        expected, stage = self.test.expect, self.stage
        for step, widget, problem in stage.problems:
            self._differs(step, widget, "the script", "", problem)
        self._end()
        if expected.path is not UNSET:
            self._path(expected.path)
        for name, value in expected.variables.items():
            self._variable(name, value)
        if expected.context and not same(expected.context, stage.state.context):
            text = _asked(expected.context, stage.state.context)
            self._differs(stage.state.steps, stage.widget, "the context", _shown(expected.context), text)
        self._task()
        self._calls()
        logged = [entry.code for step in stage.steps for entry in step.log] + [one.code for one in stage.state.log]
        for code in expected.log:
            if code not in logged:
                self._differs(stage.state.steps, stage.widget, "the log", str(code), _shown(logged))

    def _differs(self, step: int, widget: str, what: str, expected: str, found: str) -> None:
        self.differences.append(Difference(step, widget, what, expected, found))

    def _hear(self, wanted: Message) -> None:
        stage = self.stage
        if self.heard >= len(stage.said):
            step = stage.state.steps if stage.ended else stage.step
            missing = next((each for each in (wanted.body, wanted.content) if each is not UNSET), "")
            self._differs(step, stage.widget, "a message", str(missing), "the flow said nothing more")
            return
        said = stage.said[self.heard]
        self.heard += 1
        command = said.command
        for what, expected, found in (
            ("the message", wanted.body, command.body),
            ("the message's author", wanted.from_, command.author),
            ("the message's recipient", wanted.to, command.to),
            ("the content template", wanted.content, command.content_sid or "none"),
            ("the message's file", wanted.media, command.media_url or "none"),
            ("the seconds of the wait", wanted.waits, said.waits),
        ):
            if expected is not UNSET and expected != found:
                self._differs(said.step, said.widget, what, str(expected), str(found))
        values = decode_json(command.content_variables or "{}")
        if wanted.variables is not UNSET and not same(wanted.variables, values):
            self._differs(
                said.step,
                said.widget,
                "the content template's values",
                _shown(wanted.variables),
                _asked(wanted.variables, values),
            )
        if wanted.attributes is not UNSET:
            attributes = decode_json(command.attributes or "{}")
            if not same(wanted.attributes, attributes):
                self._differs(
                    said.step,
                    said.widget,
                    "the message's attributes",
                    _shown(wanted.attributes),
                    _asked(wanted.attributes, attributes),
                )

    def _nothing_more(self) -> None:
        for said in self.stage.said[self.heard :]:
            self._differs(said.step, said.widget, "a message", "the flow is to say nothing here", _line(said))
        self.heard = len(self.stage.said)

    def _end(self) -> None:
        expected, stage = self.test.expect, self.stage
        state = "ended" if stage.ended else "waiting"
        last = max(stage.state.steps, 1)
        if expected.state is not UNSET and expected.state != state:
            why = stage.state.ended if stage.ended else f"it waits in {stage.widget}"
            self._differs(last if stage.ended else stage.step, stage.widget, "the end", str(expected.state), why)
        if expected.widget is not UNSET and expected.widget != stage.widget:
            self._differs(last, stage.widget, "the last widget", str(expected.widget), stage.widget)

    def _path(self, expected: list[str | dict[str, dict[str, object]]]) -> None:
        taken = [self._named(step) for step in self.stage.steps]
        for number, each in enumerate(expected):
            name, output = (each, None) if isinstance(each, str) else next(iter(each.items()))
            if number >= len(taken):
                at = self.stage.widget
                self._differs(number + 1, at, "the path", name, "the flow waits" if not self.stage.ended else "the end")
                return
            step = self.stage.steps[number]
            if taken[number] != name:
                self._differs(number + 1, step.transitioned_from, "the path", name, taken[number])
                return
            if output is not None and not same(output, _output(step)):
                what = "the widget's output"
                self._differs(number + 1, step.transitioned_from, what, _shown(output), _asked(output, _output(step)))
        if len(taken) > len(expected):
            step = self.stage.steps[len(expected)]
            self._differs(len(expected) + 1, step.transitioned_from, "the path", "the end", taken[len(expected)])

    def _named(self, step: RecordStep) -> str:
        """Give a step as the path names it: `widget event`, within a subflow `parent/widget event`."""
        parents = {each.sid: each.transitioned_from for each in self.stage.steps}
        frame = self.stage.state.frame
        if frame is not None:
            parents[frame.step_sid] = frame.widget
        over = parents.get(step.parent_step_sid or "")
        own = f"{step.transitioned_from} {step.name}"
        return f"{over}/{own}" if over else own

    def _variable(self, name: str, value: object) -> None:
        found = _variables(self.stage.state.context)
        if name in found and same(value, found[name]):
            return
        step = next(
            (each for each in reversed(self.stage.steps) if name in _output(each) and each.type == "set-variables"),
            self.stage.steps[-1],
        )
        text = _shown(found[name]) if name in found else "it is not set"
        self._differs(step.position, step.transitioned_from, f"the variable {name}", _shown(value), text)

    def _task(self) -> None:
        wanted, made = self.test.expect.task, self.stage.tasks
        if wanted is UNSET:
            return
        if wanted is None or not made:
            if wanted is not None:
                self._differs(max(self.stage.state.steps, 1), self.stage.widget, "the task", "a task", "none was made")
            for each in made:
                self._differs(each.step, each.widget, "the task", "none", _shown(each.command))
            return
        done = made[-1]
        command = done.command
        for what, expected, found in (
            ("the task's workflow", wanted.workflow, command.workflow_sid),
            ("the task's channel", wanted.channel, command.task_channel),
            ("the task's priority", wanted.priority, command.priority),
            ("the task's time-out", wanted.timeout, command.timeout),
        ):
            if expected is not UNSET and expected != found:
                self._differs(done.step, done.widget, what, str(expected), str(found))
        if not same(wanted.attributes, command.attributes):
            shown = _asked(wanted.attributes, command.attributes)
            self._differs(done.step, done.widget, "the task's attributes", _shown(wanted.attributes), shown)

    def _calls(self) -> None:
        wanted, made = self.test.expect.calls, self.stage.calls
        if wanted is UNSET:
            return
        for number, call in enumerate(wanted):
            if number >= len(made):
                self._differs(max(self.stage.state.steps, 1), self.stage.widget, "a request", call.widget, "none")
                return
            done = made[number]
            command = done.command
            for what, expected, found in (
                ("the request's widget", call.widget, done.widget),
                ("the request's method", call.method, command.method),
                ("the request's URL", call.url, command.url),
                ("the request's body", call.body, command.body),
            ):
                if expected is not UNSET and expected != found:
                    self._differs(done.step, done.widget, what, str(expected), found)
            if call.parameters is not UNSET and not same(call.parameters, _parameters(command)):
                what = "the request's parameters"
                self._differs(
                    done.step, done.widget, what, _shown(call.parameters), _asked(call.parameters, _parameters(command))
                )
        for done in made[len(wanted) :]:
            self._differs(done.step, done.widget, "a request", "none", _shown(done.command))


def _parameters(command: CallHttp) -> dict[str, str]:
    if command.form is not None:
        return dict(command.form)
    return dict(parse_qsl(urlsplit(command.url).query, keep_blank_values=True))


def _variables(context: Json) -> Mapping[str, object]:
    flow = context.get("flow")
    variables = flow.get("variables") if isinstance(flow, Mapping) else None
    return variables if isinstance(variables, Mapping) else {}


def _output(step: RecordStep) -> Mapping[str, object]:
    widgets = step.context.get("widgets")
    found = widgets.get(step.transitioned_from) if isinstance(widgets, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)


def _asked(expected: object, found: object) -> str:
    """Show of what was found only the keys that were asked for: others are not looked at."""
    return _shown(_narrowed(expected, found))


def _narrowed(expected: object, found: object) -> object:
    if not isinstance(expected, Mapping) or not isinstance(found, Mapping):
        return found
    return {name: _narrowed(value, found[name]) for name, value in expected.items() if name in found}


def _line(said: Said) -> str:
    return words_of(said.command)
