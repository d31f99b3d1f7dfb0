# SPDX-License-Identifier: Apache-2.0
"""Writes times.json: what Python's datetime and zoneinfo say of texts, clocks
and calendar units. Run with Python 3.11 and a zone database:

    python features/eventtime/testdata/times.py > features/eventtime/testdata/times.json
"""
import json
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

TEXTS = [
    # without a zone, and with one
    "2024-03-31", "2024-03-31 02:30:00", "2024-03-31T02:30:00", "2024-03-31T02:30:00Z", "2024-03-31T02:30:00+02:00",
    "2024-03-31T02:30:00-05:00", "2024-03-31T02:30:00+05:45", "2024-03-31T02:30:00.123456+10:30",
    "2024-03-31 02:30:00.5", "1969-12-31T23:59:59.999999Z",
    # leap days, and days that there are not
    "2000-02-29", "1900-02-28", "1900-02-29", "2024-02-29", "2023-02-29", "2100-02-29", "2024-02-30", "2023-04-31",
    "2024-13-01", "2024-00-10", "2024-01-00",
    # the Gregorian calendar also holds before its introduction in 1582
    "1582-10-04", "1582-10-05", "1582-10-14", "1582-10-15", "1500-02-28", "1500-02-29", "1752-09-03",
    # the first and the last year
    "0001-01-01", "0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00-01:00", "0000-12-31", "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59+01:00",
    # hours and seconds that clocks do not show
    "2016-12-31T23:59:60Z", "2024-01-01T24:00:00Z", "2024-01-01T23:60:00Z", "2024-01-01T25:00:00Z",
]

# Local times around which the clocks change, or the rules did.
ZONES = {
    "Europe/Berlin": ["2024-03-31 02:30", "2024-10-27 02:30", "1945-05-24 02:00", "1980-04-06 02:30"],
    "America/New_York": ["2024-03-10 02:30", "2024-11-03 01:30", "1974-01-06 02:30", "2007-03-11 02:30"],
    "Australia/Lord_Howe": ["2024-04-07 01:45", "2024-10-06 02:15", "1985-10-27 02:15"],
    "Asia/Kathmandu": ["1986-01-01 00:07", "2024-01-01 00:00"],
    "America/Havana": ["2024-03-10 00:30", "2024-11-03 00:30"],
    "Africa/Monrovia": ["1972-01-07 00:30"],
    "Pacific/Apia": ["2011-12-30 12:00"],
}


def micros(at):
    return (at - EPOCH) // timedelta(microseconds=1)


def parsed(text):
    """The microseconds since 1970 of a text that names a time in the years 1 to 9999, else None."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    us = micros(at if at.tzinfo else at.replace(tzinfo=timezone.utc))
    first = micros(datetime(1, 1, 1, tzinfo=timezone.utc))
    last = micros(datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone.utc))
    return us if first <= us <= last else None


def wall(zone, at):
    return at.astimezone(zone).replace(tzinfo=None)


def unit_start(unit, day):
    return {
        "day": day,
        "week": day - timedelta(days=day.weekday()),
        "month": day.replace(day=1),
        "quarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "year": day.replace(month=1, day=1),
    }[unit]


def first_showing(zone, day):
    """The earliest time whose clock shows the day's midnight or a later time, found by looking at every half minute."""
    at = datetime(day.year, day.month, day.day, tzinfo=timezone.utc) - timedelta(hours=26)
    while wall(zone, at) < datetime(day.year, day.month, day.day):
        at += timedelta(seconds=30)
    return micros(at)


def clocks(name, around):
    zone = ZoneInfo(name)
    cases = []
    for text in around:
        center = datetime.fromisoformat(text).replace(tzinfo=zone, fold=0).astimezone(timezone.utc)
        for minutes in range(-180, 181, 15):
            at = center + timedelta(minutes=minutes)
            cases.append([micros(at), wall(zone, at).isoformat(sep=" ")])
    return cases


def units(name, around):
    zone = ZoneInfo(name)
    cases = []
    for text in around:
        day = datetime.fromisoformat(text).date()
        for days in (-1, 0, 1):
            noon = datetime.combine(day + timedelta(days=days), datetime.min.time()).replace(hour=12, tzinfo=zone)
            at = noon.astimezone(timezone.utc)
            local = wall(zone, at).date()
            cases.append([micros(at)] + [first_showing(zone, unit_start(u, local)) for u in
                                         ("day", "week", "month", "quarter", "year")])
    return cases


json.dump({
    "texts": [{"text": t, "micros": parsed(t)} for t in TEXTS],
    "zones": [{"zone": z, "clocks": clocks(z, a), "units": units(z, a)} for z, a in ZONES.items()],
}, sys.stdout, separators=(",", ":"))
print()
