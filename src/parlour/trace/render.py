"""A story on the wire and on the screen."""

from datetime import datetime
from typing import Any, Final

from parlour.kit.wire import iso_millis
from parlour.trace.sentences import sentence
from parlour.trace.store import Fact, WaitingJob
from parlour.trace.story import Story

DEEPEST: Final = 8  # steps of indentation


def wire(account_sid: str, story: Story, url: str) -> dict[str, Any]:
    """Return a story as JSON has it; offsets are seconds of domain time."""
    start = story.facts[0].at
    depths = _depths(story.facts)
    return {
        "sid": story.sid,
        "account_sid": account_sid,
        "hops": [{"name": hop.name, "sids": list(hop.sids)} for hop in story.hops],
        "missing": story.missing,
        "events": [
            {
                "sid": fact.sid,
                "date": iso_millis(fact.at),
                "offset": _seconds(start, fact.at),
                "kind": fact.kind,
                "stream": fact.stream,
                "object_sid": fact.object_sid,
                "cause": fact.cause,
                "depth": depths[fact.sid],
                "request_id": fact.request_id,
                "text": sentence(fact.kind, fact.snapshot),
            }
            for fact in story.facts
        ],
        "jobs": [_job(job) for job in story.jobs],
        "truncated": story.truncated,
        "url": url,
    }


def text(story: dict[str, Any]) -> list[str]:
    """Return the lines of a story (as ``wire`` gives it) for a person."""
    events = story["events"]
    count = "1 fact" if len(events) == 1 else f"{len(events)} facts in {events[-1]['offset']:.3f} s"
    lines = [f"{story['sid']}: {count} from {events[0]['date']}", ""]
    for hop in story["hops"] if any(hop["sids"] for hop in story["hops"]) else ():
        missing = "—   (the first that is missing)" if hop["name"] == story["missing"] else "—"
        first, *rest = hop["sids"] or [missing]
        lines.append(f"  {hop['name']:20} {first}")
        lines += [f"  {'':20} {sid}" for sid in rest]
    if len(lines) > 2:
        lines.append("")
    for event in events:
        indent = "  " * min(event["depth"], DEEPEST)
        name = event["kind"].partition("/")[0]
        lines.append(f"{event['offset']:>+10.3f}  {indent}{name}  {event['object_sid']}  {event['text']}")
    if story["jobs"]:
        lines += ["", "Jobs:"]
        lines += [f"  {_job_line(job)}" for job in story["jobs"]]
    if story["truncated"]:
        lines += ["", "There is more: this story is longer than a trace tells."]
    return lines


def _depths(facts: list[Fact]) -> dict[str, int]:
    """Return how many causes each fact has above it in the story; causes have smaller SIDs in their own time."""
    causes = {fact.sid: fact.cause for fact in facts}
    depths: dict[str, int] = {}
    for fact in facts:
        chain: list[str] = []
        sid: str | None = fact.sid
        while sid is not None and sid in causes and sid not in depths and sid not in chain:
            chain.append(sid)
            sid = causes[sid]
        depth = depths.get(sid, -1) if sid is not None else -1
        for link in reversed(chain):
            depth += 1
            depths[link] = depth
    return depths


def _job(job: WaitingJob) -> dict[str, Any]:
    return {
        "id": job.id,
        "state": "dead" if job.dead_at is not None else "waiting",
        "handler": job.handler,
        "lane": job.lane,
        "attempts": job.attempt,
        "due": None if job.due.year < 1970 else iso_millis(job.due),
        "error": job.error,
        "event_sid": job.event_sid,
    }


def _job_line(job: dict[str, Any]) -> str:
    when = f"due {job['due']}" if job["due"] else "at once"
    error = f": {job['error']}" if job["error"] else ""
    return f"{job['state']:8} {job['handler']}  {job['lane']}  {when}, {job['attempts']} tries{error}"


def _seconds(start: datetime, at: datetime) -> float:
    return round((at - start).total_seconds(), 3)
