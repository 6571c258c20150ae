"""Finished bars of a range, in reads that the terminal can answer."""

import calendar
import time

from mt5_terminal import CallFailed, ConnectionGone

_HOUR, _DAY = 3600, 86400
# Labels as in `lib/market/timeframe.ts`: the terminal's constant, and the length in seconds.
TIMEFRAMES = {}
for _minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30):
    for _label in ("m", "MIN"):
        TIMEFRAMES["%d%s" % (_minutes, _label)] = (_minutes, _minutes * 60)
for _hours in (1, 2, 3, 4, 6, 8, 12):
    for _label in ("h", "H"):
        TIMEFRAMES["%d%s" % (_hours, _label)] = (0x4000 | _hours, _hours * _HOUR)
TIMEFRAMES["1d"] = TIMEFRAMES["1D"] = (0x4000 | 24, _DAY)
TIMEFRAMES["1w"] = TIMEFRAMES["1W"] = (0x8000 | 1, 7 * _DAY)
MONTH = 0xC000 | 1
TIMEFRAMES["1M"] = (MONTH, 31 * _DAY)
# The other ways in which `lib/market/timeframe.ts` reads them.
for _alias, _label in (("60m", "1H"), ("1mo", "1M"), ("1MN", "1M"), ("1mn", "1M"),
                       ("1min", "1m"), ("5min", "5m"), ("15min", "15m"), ("30min", "30m")):
    TIMEFRAMES[_alias] = TIMEFRAMES[_label]

_BARS_PER_FRAME = 4096
_BARS_PER_CALL = 50000
# So small a read fails for another reason than its size.
_SMALL_READ = 64


class Bars:
    def __init__(self, terminal, settings, frames):
        self._terminal = terminal
        self._settings = settings
        self._frames = frames
        self._warm = set()

    def answer(self, request, newest_ms):
        """Sends the bars of a selected symbol and a known timeframe; yields the seconds to pause.

        `newest_ms`: the newest stamp known on the server's clock. A bar is finished when its end
        is not beyond what that clock is known to have shown, by any tick or by a later bar; so the
        last bar of a week is finished with the first tick of the next. Raises CallFailed.
        """
        raw_name = request["rawName"]
        timeframe, length_s = TIMEFRAMES[request["timeframe"]]
        per_call = self._per_call()
        known_s = yield from self._known_second(raw_name, timeframe, newest_ms)
        at, end = -(-request["fromServerMs"] // 1000), -(-request["toServerMs"] // 1000)
        failures = 0
        seen = None
        while at < end:
            to = min(end, at + per_call * length_s, _next_year(at))
            try:
                read = self._terminal.bars_in(raw_name, timeframe, at, to - 1)
            except ConnectionGone:
                raise
            except CallFailed:
                if to - at > _SMALL_READ * length_s:
                    per_call = max(1, (to - at) // length_s // 2)
                    yield 0
                    continue
                failures += 1
                if failures >= self._settings.warmTries:
                    raise
                yield self._settings.warmPauseMs / 1000
                continue
            if not self._is_warm(raw_name, timeframe, seen, read):
                seen = (0 if seen is None else seen[0]) + 1, len(read)
                yield self._settings.warmPauseMs / 1000
                continue
            failures = 0
            inside = read[(read["time"] >= at) & (read["time"] < to)]
            self._send(request["id"], _finished(inside, timeframe, length_s, known_s))
            at = to
            yield 0
        self._frames.send({"type": "bars", "id": request["id"], "bars": [], "last": True})

    def _per_call(self):
        """A request for as many bars as the terminal may show fails as a whole."""
        limit = self._terminal.info().maxbars - 1
        wanted = self._settings.barsPerCall or _BARS_PER_CALL
        return max(1, min(wanted, limit) if limit > 0 else wanted)

    def _known_second(self, raw_name, timeframe, newest_ms):
        quote = self._terminal.quote(raw_name)
        known = [newest_ms // 1000, 0 if quote is None else int(quote.time)]
        for attempt in range(self._settings.warmTries):
            try:
                forming = self._terminal.latest_bars(raw_name, timeframe, 1)
            except ConnectionGone:
                raise
            except CallFailed:
                yield self._settings.warmPauseMs / 1000
                continue
            if len(forming) > 0:
                known.append(int(forming["time"][-1]))
            break
        return max(known)

    def _is_warm(self, raw_name, timeframe, seen, read):
        """History loads once it was asked for: the first read is repeated until two agree."""
        if (raw_name, timeframe) in self._warm:
            return True
        if seen is None or (seen[1] != len(read) and seen[0] < self._settings.warmTries):
            return False
        self._warm.add((raw_name, timeframe))
        return True

    def _send(self, request_id, bars):
        columns = [bars[name].tolist() for name in ("open", "high", "low", "close", "tick_volume")]
        rows = list(zip((bars["time"] * 1000).tolist(), *columns))
        for start in range(0, len(rows), _BARS_PER_FRAME):
            self._frames.send({
                "type": "bars", "id": request_id, "last": False,
                "bars": rows[start:start + _BARS_PER_FRAME],
            })


def _finished(bars, timeframe, length_s, known_s):
    if timeframe != MONTH:
        return bars[bars["time"] + length_s <= known_s]
    known = time.gmtime(known_s)
    return bars[bars["time"] < calendar.timegm((known.tm_year, known.tm_mon, 1, 0, 0, 0))]


def _next_year(second):
    """Spans of several years fail; on the server's clock a year begins as in UTC."""
    return calendar.timegm((time.gmtime(second).tm_year + 1, 1, 1, 0, 0, 0))
