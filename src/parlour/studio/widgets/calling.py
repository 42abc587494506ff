"""make-http-request and run-function (studio.md §2.3.6, §2.3.7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from parlour.studio.execution import Answered, CallHttp, Event, Json, NotAnswered
from parlour.studio.json_data import read_json
from parlour.studio.widgets.visit import Ask, Leave, Outcome, Stay, Visit, as_object

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
RESERVED: Final = frozenset({"method"})
"""Names that a parameter cannot have (studio.md §2.3.6)."""
CONCURRENCY: Final = "x-twilio-function-concurrency"


class HttpRequestWidget:
    """Calls a URL; follows redirects; leaves by `success` for 2xx."""

    def enter(self, visit: Visit) -> Outcome:
        """Render the request and ask for the call."""
        url, parameters = visit.text("url").strip(), visit.parameters()
        wrong = _wrong_url(url) or _reserved(parameters)
        if wrong is not None:
            visit.fail(81014, wrong)
            return Leave("failed")
        method = visit.widget.text("method").upper() or "GET"
        content_type, body = visit.text("content_type").strip(), visit.text("body")
        as_form = method == "POST" and not body and media_type(content_type) in ("", FORM)
        return Ask(
            CallHttp(
                method=method,
                url=url if as_form else with_query(url, parameters),
                token=visit.state.step_sid,
                content_type=content_type or FORM,
                body=body,
                form=parameters if as_form else None,
                credentials=visit.widget.properties.get("add_twilio_auth") is True
                or visit.widget.properties.get("send_twilio_credentials") is True,
                follow=True,
            ),
            "call",
        )

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """Leave by `success` or `failed`, with the answer if one came."""
        if isinstance(event, NotAnswered):
            visit.fail(event.code or 81016, f"the request failed: {event.message}")
            return Leave("failed")
        if not isinstance(event, Answered):
            return Stay()
        output, malformed = _output(visit, event)
        if not 200 <= event.status < 300:
            visit.fail(81016, f"the request failed: the answer has status {event.status}")
            return Leave("failed", output)
        if malformed is not None:
            visit.fail(81016, f"the request failed: {malformed}")
            return Leave("failed", output)
        return Leave("success", output)


class FunctionWidget:
    """Calls a function over HTTP, signed; leaves by `success` for 2xx and 3xx."""

    def enter(self, visit: Visit) -> Outcome:
        """Render the parameters and ask for the call."""
        url, parameters = visit.text("url").strip(), visit.parameters()
        wrong = _wrong_url(url)
        if wrong is not None:
            visit.fail(81010, f"the function was not called: {wrong}")
            return Leave("fail")
        return Ask(CallHttp(method="POST", url=url, token=visit.state.step_sid, form=parameters, sign=True), "call")

    def resume(self, visit: Visit, event: Event) -> Outcome:
        """Leave by `success` or `fail`, with the answer if one came."""
        if isinstance(event, NotAnswered):
            visit.fail(81010, f"the function was not called: {event.message}")
            return Leave("fail")
        if not isinstance(event, Answered):
            return Stay()
        output, malformed = _output(visit, event)
        if CONCURRENCY in event.headers:
            output["headers"] = {CONCURRENCY: event.headers[CONCURRENCY]}
        if not 200 <= event.status < 400:
            visit.fail(81010, f"the function answered with status {event.status}")
            return Leave("fail", output)
        if malformed is not None:
            visit.fail(81017, f"the function's answer cannot be read: {malformed}")
            return Leave("fail", output)
        return Leave("success", output)


def _output(visit: Visit, event: Answered) -> tuple[Json, str | None]:
    """Give the answer as the context shows it, and what is wrong with its JSON.

    Only objects are parsed, and merged key by key into those of an earlier run (studio.md §2.2).
    """
    output: Json = {"body": event.body, "content_type": event.content_type, "status_code": event.status}
    if media_type(event.content_type) != JSON:
        return output, None
    try:
        value = read_json(event.body)
    except ValueError as error:
        return output, f"it is not valid JSON: {error}"
    if isinstance(value, dict):
        output["parsed"] = {**as_object(visit.earlier().get("parsed")), **as_object(value)}
    return output, None


def media_type(content_type: str) -> str:
    """Give a content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def with_query(url: str, pairs: Sequence[tuple[str, str]]) -> str:
    """Add pairs to the query of a URL."""
    if not pairs:
        return url
    parts = urlsplit(url)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *pairs], errors="surrogatepass")
    return urlunsplit(parts._replace(query=query))


def _wrong_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known or any(each.isspace() for each in url):
        return f"'{url[:200]}' is not an http or https URL"
    return None


def _reserved(parameters: Sequence[tuple[str, str]]) -> str | None:
    name = next((name for name, _ in parameters if name.lower() in RESERVED), None)
    return None if name is None else f"a parameter cannot be named {name}"
