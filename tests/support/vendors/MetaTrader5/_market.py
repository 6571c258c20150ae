"""What the fake terminal has: ticks as files say or as generated, and when each became visible."""

import time
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import numpy as np

TICK = np.dtype([
    ("time", "<i8"), ("bid", "<f8"), ("ask", "<f8"), ("last", "<f8"), ("volume", "<u8"),
    ("time_msc", "<i8"), ("flags", "<u4"), ("volume_real", "<f8"),
])
RATE = np.dtype([
    ("time", "<i8"), ("open", "<f8"), ("high", "<f8"), ("low", "<f8"), ("close", "<f8"),
    ("tick_volume", "<u8"), ("spread", "<i4"), ("real_volume", "<u8"),
])
_HOUR_MS = 3600000


class Clock:
    """The host's time, or a virtual time that runs on over restarts of the process."""

    def __init__(self, script):
        clock = script.get("clock", {})
        self._start = clock.get("startUtcMs")
        self._host = clock.get("hostMs", 0)
        self._speed = clock.get("speed", 1)

    def now_ms(self):
        host = time.time_ns() // 1000000
        if self._start is None:
            return host
        return int(self._start + (host - self._host) * self._speed)


class Zone:
    """A wall clock written as if it were UTC."""

    def __init__(self, script):
        zone = script.get("zone", {"name": "America/New_York", "shiftHours": 7})
        self._zone = ZoneInfo(zone["name"])
        self._shift_ms = int(zone.get("shiftHours", 0) * _HOUR_MS)

    def server_ms(self, utc_ms):
        # Every zone here changes at whole hours of UTC.
        hours, place = np.unique(utc_ms // _HOUR_MS, return_inverse=True)
        offsets = np.array([self._offset_ms(int(hour) * 3600) for hour in hours], dtype=np.int64)
        return utc_ms + offsets[place.reshape(-1)] if len(hours) > 0 else utc_ms

    def utc_ms(self, server_ms):
        """Of a stamp outside the repeated hour."""
        guess = server_ms - self._shift_ms
        return server_ms - (self.server_ms(guess) - guess)

    def _offset_ms(self, utc_s):
        moment = datetime.fromtimestamp(utc_s, timezone.utc).astimezone(self._zone)
        return int(moment.utcoffset().total_seconds() * 1000) + self._shift_ms


class Series:
    """The ticks of one symbol: `rows` in the order in which they happened, visible in another."""

    def __init__(self, script, zone, outages):
        rows, utc = _load(script, zone)
        self.rows = rows
        self.utc = utc
        self.visible = _visible_from(utc, script.get("late"), outages)
        self._in_order = bool((np.diff(self.visible) >= 0).all())
        self._sorted = bool((np.diff(rows["time_msc"]) >= 0).all())
        self.reads = 0
        self.quotes = 0
        self.selected = bool(script.get("selected", False))

    def shown(self, now_ms):
        if self._in_order:
            return self.rows[:np.searchsorted(self.visible, now_ms, side="right")]
        return self.rows[self.visible <= now_ms]

    def since(self, now_ms, from_s):
        shown = self.shown(now_ms)
        if self._sorted:
            return shown[np.searchsorted(shown["time_msc"], from_s * 1000):]
        return shown[shown["time_msc"] >= from_s * 1000]


def _load(script, zone):
    if "generate" in script:
        utc, rows = _generate(script["generate"])
    else:
        rows = np.concatenate([np.fromfile(path, dtype=TICK) for path in script["files"]]
                              if script.get("files") else [np.empty(0, TICK)])
        utc = rows["time_msc"].copy()
    if script.get("stamps", "utc") == "server":
        utc = zone.utc_ms(utc)
    else:
        rows["time_msc"] = zone.server_ms(utc)
    rows["time"] = rows["time_msc"] // 1000
    return rows, utc


def _generate(recipe):
    """Evenly spread with a seeded jitter, so that two symbols do not tick together."""
    random = np.random.default_rng(recipe.get("seed", 0))
    gap_ms = 1000 / recipe["ticksPerSecond"]
    count = int(recipe["seconds"] * 1000 / gap_ms)
    utc = (recipe["fromUtcMs"] + (np.arange(count) + random.random(count)) * gap_ms).astype("i8")
    rows = np.zeros(count, TICK)
    rows["bid"] = np.round(1.1 + np.cumsum(random.integers(-3, 4, count)) * 1e-5, 5)
    rows["ask"] = np.round(rows["bid"] + 2e-5, 5)
    rows["flags"] = 6
    return utc, rows


def _visible_from(utc, late, outages):
    visible = utc.copy()
    if late:
        visible[::late["every"]] += late["byMs"]
    for outage in outages:
        missed = (utc >= outage["fromUtcMs"]) & (utc < outage["toUtcMs"])
        visible[missed] = outage["toUtcMs"] + outage.get("healMs", 0)
    return visible


def bars_of(rows, length_s):
    """Bars of the bid, as a terminal builds them; months are of the server's calendar."""
    if len(rows) == 0:
        return np.empty(0, RATE)
    opens = _opens(rows["time"], length_s)
    starts = np.flatnonzero(np.concatenate(([True], opens[1:] != opens[:-1])))
    ends = np.concatenate((starts[1:], [len(rows)]))
    bars = np.zeros(len(starts), RATE)
    bars["time"] = opens[starts]
    bars["open"] = rows["bid"][starts]
    bars["close"] = rows["bid"][ends - 1]
    bars["high"] = np.maximum.reduceat(rows["bid"], starts)
    bars["low"] = np.minimum.reduceat(rows["bid"], starts)
    bars["tick_volume"] = ends - starts
    return bars


def _opens(seconds, length_s):
    if length_s == "month":
        return seconds.astype("M8[s]").astype("M8[M]").astype("M8[s]").astype("i8")
    if length_s == 7 * 86400:
        # 1970-01-01 was a Thursday; a terminal's weeks open on Sunday.
        return (seconds + 4 * 86400) // length_s * length_s - 4 * 86400
    return seconds // length_s * length_s
