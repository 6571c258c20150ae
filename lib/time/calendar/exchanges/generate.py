"""Writes one JSON file per exchange out of the Python package `exchange_calendars`.

    pip install exchange_calendars==4.13.2
    python3 lib/time/calendar/exchanges/generate.py --until 2027-12-31

The package works out the days of rules for ever, but special closings are known only as far as an
exchange has published them: `--until` is how far its days are trusted, at most as far as the package
itself goes. Past that day the calendar refuses to answer.

A file holds the regular hours with the days from which they hold, the weekdays without trading, and
the days whose hours are others. Hours are of the wall clock of the exchange; `<17:00` is the day
before. What is read back is compared with the package before it is written.
"""

import argparse
import datetime as dt
import json
import pathlib
from collections import Counter

import exchange_calendars as xcals
import pandas as pd
from exchange_calendars.us_holidays import USJuneteenth

EXCHANGES = (
    "CMES XAMS XASX XBOM XBRU XETR XFRA XHKG XKRX XLON XMAD XMEX XMIL XNYS XNZE XPAR XSES XSHG "
    "XSTO XSWX XTAI XTKS XTSE"
).split()
FROM = pd.Timestamp("1990-01-01")
DAY = dt.timedelta(days=1)
MARGIN = 366 * DAY


def corrections(name, first, last):
    """Hours that the exchange keeps and this version of the package does not know yet, by day."""
    if name != "CMES":
        return {}
    juneteenths = USJuneteenth.dates(max(first, pd.Timestamp("2022-01-01")), last)
    return {day.date(): "<17:00-12:00" for day in juneteenths}


def wall(moment, session, zone):
    """`09:30`, or `<17:00` for the day before the session's."""
    local = moment.tz_convert(zone)
    days = (local.date() - session.date()).days
    if days not in (-1, 0):
        raise ValueError(f"Cannot write {moment} of session {session}: it is {days} days away")
    if local.second or local.microsecond:
        raise ValueError(f"Cannot write {moment} in whole minutes")
    return ("<" if days == -1 else "") + local.strftime("%H:%M")


def hours_of(row, session, zone):
    open_, close = wall(row.open, session, zone), wall(row.close, session, zone)
    if pd.isna(row.break_start):
        return f"{open_}-{close}"
    break_start, break_end = (wall(t, session, zone) for t in (row.break_start, row.break_end))
    return f"{open_}-{break_start} {break_end}-{close}"


def starts_of_hours(calendar, first):
    """The days from which the package says that other regular hours hold."""
    lists = [calendar.open_times, calendar.close_times]
    lists += [times for times in (calendar.break_start_times, calendar.break_end_times) if times]
    days = {start for times in lists for start, _ in times if start is not None}
    return [first, *sorted(day for day in days if day > first)]


def encode(name, until):
    bounds = xcals.get_calendar(name)
    first = max(FROM, bounds.bound_min() or FROM)
    last = min(until, bounds.bound_max() or until)
    # At the ends of what it is asked for the package takes some days for others: Korea's last for its first.
    start = max(first - MARGIN, bounds.bound_min() or first - MARGIN)
    end = min(last + MARGIN, bounds.bound_max() or last + MARGIN)
    calendar = xcals.get_calendar(name, start=start, end=end)
    zone = str(calendar.tz)
    by_day = {s.date(): hours_of(row, s, zone) for s, row in zip(
        calendar.schedule.index, calendar.schedule.itertuples()) if first <= s <= last}
    by_day.update(corrections(name, first, last))

    starts = starts_of_hours(calendar, first)
    regular = []
    for start, end in zip(starts, [*starts[1:], last + DAY]):
        seen = Counter(h for day, h in by_day.items() if start.date() <= day < end.date())
        hours = seen.most_common(1)[0][0]
        if not regular or regular[-1]["hours"] != hours:
            regular.append({"from": start.date().isoformat(), "hours": hours})

    closed, other = {}, {}
    for n in range((last - first).days + 1):
        day = (first + n * DAY).date()
        usual = None
        if day.weekday() < 5:
            usual = next(r["hours"] for r in reversed(regular) if r["from"] <= day.isoformat())
        hours = by_day.get(day)
        if hours == usual:
            continue
        if hours is None:
            closed.setdefault(str(day.year), []).append(day.strftime("%m-%d"))
        else:
            other.setdefault(hours, {}).setdefault(str(day.year), []).append(day.strftime("%m-%d"))

    def text(years):
        return {year: " ".join(days) for year, days in years.items()}

    return {
        "id": name,
        "source": f"exchange_calendars {xcals.__version__}",
        "zone": zone,
        "from": first.date().isoformat(),
        "until": (last + DAY).date().isoformat(),
        "regular": regular,
        "closed": text(closed),
        "other": {hours: text(years) for hours, years in sorted(other.items())},
    }, by_day


def decode(file):
    """The same days again, the way the calendar reads them."""
    day, until = (dt.date.fromisoformat(file[key]) for key in ("from", "until"))

    def listed(years):
        return {f"{year}-{d}" for year, days in years.items() for d in days.split(" ")}

    closed = listed(file["closed"])
    other = {d: hours for hours, years in file["other"].items() for d in listed(years)}
    days = {}
    while day < until:
        iso = day.isoformat()
        if iso in other:
            days[day] = other[iso]
        elif day.weekday() < 5 and iso not in closed:
            days[day] = next(r["hours"] for r in reversed(file["regular"]) if r["from"] <= iso)
        day += DAY
    return days


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--until", type=pd.Timestamp, default=pd.Timestamp("2027-12-31"))
    until = parser.parse_args().until
    folder = pathlib.Path(__file__).parent
    for name in EXCHANGES:
        file, by_day = encode(name, until)
        if decode(file) != by_day:
            raise SystemExit(f"Cannot write {name}: what is read back differs from the package")
        path = folder / f"{name.lower()}.json"
        path.write_text(json.dumps(file, indent=2) + "\n", newline="\n")
        print(f"{name} {file['from']} to {file['until']} {path.stat().st_size} bytes")


main()
