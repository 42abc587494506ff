"""ISO 8601 durations, as timers are given on the wire (conversations.md §2.2)."""

import re
from datetime import timedelta

DAYS_PER_YEAR = 365
DAYS_PER_MONTH = 30

_DURATION = re.compile(
    r"P(?=\d|T\d)(?:(?P<years>\d{1,9})Y)?(?:(?P<months>\d{1,9})M)?(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})(?:\.\d+)?S)?)?",
    re.IGNORECASE,
)


def parse(text: str) -> timedelta:
    """Return the length of an ISO 8601 duration; a year counts 365 days and a month 30.

    Raises ValueError if `text` is not a duration or is longer than a century.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an ISO 8601 duration")
    part = {name: int(value or 0) for name, value in match.groupdict().items()}
    days = part["years"] * DAYS_PER_YEAR + part["months"] * DAYS_PER_MONTH + part["weeks"] * 7 + part["days"]
    if days > 100 * DAYS_PER_YEAR:
        raise ValueError(f"{text!r} is longer than a century")
    return timedelta(days=days, hours=part["hours"], minutes=part["minutes"], seconds=part["seconds"])
