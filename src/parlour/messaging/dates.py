"""Dates in filters of the 2010 API, in every form that its examples show (channels.md §1.1)."""

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from parlour.kit.wire import parse_iso
from parlour.rest.errors import invalid_parameter

DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
FORMATS: Final = ("%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%d %H:%M:%S", "%m/%d/%Y %H:%M:%S %Z", "%m/%d/%Y %H:%M:%S")


def span(name: str, text: str) -> tuple[datetime, datetime]:
    """Return the moment or day that a text means: its begin, and the end that is no more part of it.

    :param name: the parameter, for the refusal.
    :raises ContractError: 20001, no date.
    """
    text = text.strip()
    if DAY.fullmatch(text):
        try:
            begin = parse_iso(text)
        except ValueError as error:
            raise invalid_parameter(name, f"'{text}' is not a date") from error
        return begin, begin + timedelta(days=1)
    begin = _moment(name, text).replace(microsecond=0)
    return begin, begin + timedelta(seconds=1)


def _moment(name: str, text: str) -> datetime:
    for form in FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        return parse_iso(text)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except ValueError as error:
        raise invalid_parameter(name, f"'{text[:64]}' is not a date") from error
