"""New York's clock and the FX week, by rule: Python 3.7 has no time zones in its library.

The rule is that of the United States since 2007: daylight saving time from the second Sunday of
March to the first Sunday of November, both at 2:00. Valid Python 3.7.
"""

import calendar
import datetime

HOUR_MS = 3600000
DAY_MS = 24 * HOUR_MS
# The trading day turns at 17:00 in New York, so there its date is that of seven hours later.
TURN_AHEAD_MS = 7 * HOUR_MS

_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_TURN_HOUR = 17


def new_york_offset_ms(utc_ms):
    """How far New York's clock is ahead of UTC at this moment: minus four or minus five hours."""
    year = _utc(utc_ms).year
    begins_ms = _sunday_ms(year, 3, 2) + 7 * HOUR_MS
    ends_ms = _sunday_ms(year, 11, 1) + 6 * HOUR_MS
    return -4 * HOUR_MS if begins_ms <= utc_ms < ends_ms else -5 * HOUR_MS


def is_weekend(utc_ms):
    """Whether FX is closed as announced: Friday 17:00 to Sunday 17:00 in New York."""
    local = _utc(utc_ms + new_york_offset_ms(utc_ms))
    day = local.weekday()
    if day == _FRIDAY:
        return local.hour >= _TURN_HOUR
    return day == _SATURDAY or (day == _SUNDAY and local.hour < _TURN_HOUR)


def after_days(utc_ms, days):
    """The moment at which New York shows the same time so many days later."""
    return _from_new_york(utc_ms + new_york_offset_ms(utc_ms) + days * DAY_MS)


def after_month(utc_ms):
    """The moment at which the trading month that begins here is over."""
    local = _utc(utc_ms + new_york_offset_ms(utc_ms) + TURN_AHEAD_MS)
    year, month = (local.year + 1, 1) if local.month == 12 else (local.year, local.month + 1)
    day = min(local.day, calendar.monthrange(year, month)[1])
    return _from_new_york(_ms(local.replace(year=year, month=month, day=day)) - TURN_AHEAD_MS)


def _from_new_york(local_ms):
    utc_ms = local_ms - new_york_offset_ms(local_ms)
    return local_ms - new_york_offset_ms(utc_ms)


def _sunday_ms(year, month, nth):
    first = datetime.datetime(year, month, 1)
    return _ms(first) + ((_SUNDAY - first.weekday()) % 7 + 7 * (nth - 1)) * DAY_MS


def _utc(utc_ms):
    return datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=utc_ms)


def _ms(moment):
    return (moment - datetime.datetime(1970, 1, 1)) // datetime.timedelta(milliseconds=1)
