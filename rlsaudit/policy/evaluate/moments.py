"""Dates, times and intervals: as they are written, and what is computed of them."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from rlsaudit.policy.evaluate.values import Endless, Interval, Unknown

if TYPE_CHECKING:
    from rlsaudit.policy.evaluate.values import Result, Value

DATE, ZONED, PLAIN = "date", "timestamp with time zone", "timestamp without time zone"
TYPES = frozenset({DATE, ZONED, PLAIN})
_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[ T]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,6}))?)?([+-][0-9]{2}(?::?[0-9]{2})?|Z)?"
)
_PART = re.compile(r"([+-]?[0-9]{1,6}) *(second|sec|minute|min|hour|day|week|month|mon|year)s?")
_CLOCK = re.compile(r"(-?)([0-9]{1,6}):([0-9]{2})(?::([0-9]{2}))?")
_SECOND = 1_000_000
_MICROSECONDS = {"second": _SECOND, "sec": _SECOND, "minute": 60 * _SECOND, "min": 60 * _SECOND, "hour": 3600 * _SECOND}
_DAYS = {"day": 1, "week": 7}
_MONTHS = {"month": 1, "mon": 1, "year": 12}


def parse(text: str, kind: str, *, utc: bool) -> Result:
    """Returns a moment or interval in the forms in which the server writes them; of others nothing is known."""
    if kind == "interval":
        return _interval(text)
    if kind not in TYPES:
        return Unknown.ANYTHING
    if text in {"infinity", "-infinity"}:
        return Endless(text)
    found = _MOMENT.fullmatch(text)
    try:
        return Unknown.ANYTHING if found is None else _moment(found, kind, utc=utc)
    except (ValueError, OverflowError):
        # Out of range, or in a way that Python does not know: second 60, hour 24, year 0.
        return Unknown.ANYTHING


def _moment(found: re.Match[str], kind: str, *, utc: bool) -> Result:
    year, month, day, hour, minute, second, fraction, zone = found.groups()
    whole = date(int(year), int(month), int(day))
    if kind == DATE:
        return whole if hour is None and zone is None else Unknown.ANYTHING
    clock = time(int(hour or 0), int(minute or 0), int(second or 0), int((fraction or "").ljust(6, "0")))
    moment = datetime.combine(whole, clock)
    if kind == PLAIN:
        return moment if zone is None else Unknown.ANYTHING
    if zone is None:
        return moment.replace(tzinfo=UTC) if utc else Unknown.VALUE
    return (moment - _offset(zone)).replace(tzinfo=UTC)


def _offset(zone: str) -> timedelta:
    if zone == "Z":
        return timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -ahead if zone[0] == "-" else ahead


def _interval(text: str) -> Result:
    months = days = microseconds = place = 0
    text = text.strip()
    found = False
    while place < len(text):
        part = _PART.match(text, place)
        clock = None if part else _CLOCK.match(text, place)
        if part:
            count, unit = int(part[1]), part[2]
            months += count * _MONTHS.get(unit, 0)
            days += count * _DAYS.get(unit, 0)
            microseconds += count * _MICROSECONDS.get(unit, 0)
            place = part.end()
        elif clock:
            seconds = int(clock[2]) * 3600 + int(clock[3]) * 60 + int(clock[4] or 0)
            microseconds += (-seconds if clock[1] else seconds) * _SECOND
            place = clock.end()
        else:
            return Unknown.ANYTHING
        found = True
        if place < len(text):
            if text[place] != " ":
                return Unknown.ANYTHING
            while place < len(text) and text[place] == " ":
                place += 1
    return Interval(months, days, microseconds) if found else Unknown.ANYTHING


def cast(value: Value, source: str, target: str, *, utc: bool) -> Result:
    """Returns a moment of one type as another's."""
    if isinstance(value, Endless):
        return value
    zoned = ZONED in (source, target) and source != target
    if not isinstance(value, date) or (zoned and not utc):
        return Unknown.VALUE
    if target == DATE:
        return value.date() if isinstance(value, datetime) else value
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    return value.replace(tzinfo=UTC) if target == ZONED else value.replace(tzinfo=None)


def shift(value: Value, by: Interval, kind: str, sign: int, *, utc: bool) -> Result:
    """Returns a moment and an interval added up, or with `sign` -1 the difference."""
    if isinstance(value, Endless):
        return value
    if not isinstance(value, date):
        return Unknown.ANYTHING
    if kind == ZONED and not utc and (by.months or by.days):
        # A day has as many hours as the zone says.
        return Unknown.ANYTHING
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    try:
        if by.months:
            months = value.year * 12 + value.month - 1 + sign * by.months
            year, month = divmod(months, 12)
            value = value.replace(
                year=year, month=month + 1, day=min(value.day, calendar.monthrange(year, month + 1)[1])
            )
        return value + sign * timedelta(days=by.days, microseconds=by.microseconds)
    except (ValueError, OverflowError):
        return Unknown.ANYTHING


def between(left: Value, right: Value) -> Result:
    """Returns the difference of two moments of one type."""
    if isinstance(left, datetime) and isinstance(right, datetime):
        gone = left - right
        microseconds = (gone.days * 86_400 + gone.seconds) * _SECOND + gone.microseconds
        days = abs(microseconds) // (86_400 * _SECOND) * (1 if microseconds >= 0 else -1)
        return Interval(0, days, microseconds - days * 86_400 * _SECOND)
    if isinstance(left, date) and isinstance(right, date):
        return (left - right).days
    return Unknown.ANYTHING
