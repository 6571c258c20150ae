"""Price history as the package gives it, with what it says and does when it cannot."""

import datetime
import os

import numpy as np

from . import market
from .errors import TimeFrameError
from .fxcorepy import O2GCandleOpenPriceMode

_UTC_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_TICK = np.dtype([("Date", "M8[ns]"), ("Bid", "f8"), ("Ask", "f8")])
_SIDES = [side + name for side in ("Bid", "Ask") for name in ("Open", "High", "Low", "Close")]
_BAR = np.dtype([("Date", "M8[ns]")] + [(name, "f8") for name in _SIDES] + [("Volume", "i4")])
_MINUTE = 60000
_LENGTHS = {"m1": _MINUTE, "m5": 5 * _MINUTE, "m15": 15 * _MINUTE, "m30": 30 * _MINUTE,
            "H1": 60 * _MINUTE, "H4": 240 * _MINUTE, "D1": 1440 * _MINUTE}


class History(object):
    def __init__(self, series):
        self._series = series
        self._faults = list(market.SCRIPT.get("historyFaults", []))

    def read(self, instrument, timeframe, date_from, date_to, mode):
        self._write_cache()
        if timeframe != "t1" and timeframe not in _LENGTHS:
            raise TimeFrameError("Timeframe is incorrect")
        fault = self._faults.pop(0) if self._faults else None
        if fault == "hang":
            while True:  # As the package waits for its communicator: with a whole core.
                pass
        if fault is not None:
            raise Exception(fault)
        newest_ms = market.now_ms() - market.SCRIPT.get("historyLagMs", 0)
        from_ms = _ms(date_from)
        to_ms = newest_ms if date_to is None else min(_ms(date_to), newest_ms)
        series = self._series.get(instrument, market.Series(None))
        rows = series.between(from_ms, to_ms)
        if not rows:
            raise Exception(
                "QuotesManager error: Reason='unsupported scope', Description=No data found for "
                "symbolID=1, interval=%s! code: QuotesLoaderError subcode: 1" % timeframe)
        return _ticks(rows) if timeframe == "t1" else _bars(rows, timeframe, mode)

    @staticmethod
    def _write_cache():
        try:
            if not os.path.isdir("./History"):
                os.mkdir("./History")
            with open("./History/lock", "w"):
                pass
        except OSError:
            raise Exception("QuotesManager error: Global lock initialization failed")


def _ms(date):
    if date.tzinfo is None:
        raise ValueError("the fake takes no naive date: what the package makes of one is unknown")
    return (date - _UTC_EPOCH) // datetime.timedelta(milliseconds=1)


def _ticks(rows):
    result = np.zeros(len(rows), _TICK)
    stamps = np.array([ms for ms, _ in rows], "i8")
    if not market.SCRIPT.get("historyHasMs", False):
        stamps -= stamps % 1000
    result["Date"] = stamps.astype("M8[ms]")
    result["Bid"] = [prices[0] for _, prices in rows]
    result["Ask"] = [prices[1] for _, prices in rows]
    return result


def _bars(rows, timeframe, mode):
    length = _LENGTHS[timeframe]
    # In summer 17:00 in New York is 21:00 UTC.
    turn = 21 * 60 * _MINUTE if timeframe == "D1" else 0
    buckets = {}
    for ms, prices in rows:
        buckets.setdefault((ms - turn) // length * length + turn, []).append(prices)
    result = np.zeros(len(buckets), _BAR)
    before = None
    for index, (open_ms, ticks) in enumerate(sorted(buckets.items())):
        result[index]["Date"] = np.datetime64(open_ms, "ms")
        for side, name in enumerate(("Bid", "Ask")):
            prices = [tick[side] for tick in ticks]
            follows = before is not None and mode == O2GCandleOpenPriceMode.PREVIOUS_CLOSE
            opened = before[side] if follows else prices[0]
            columns = {"Open": opened, "High": max(prices + [opened]),
                       "Low": min(prices + [opened]), "Close": prices[-1]}
            for column, value in columns.items():
                result[index][name + column] = value
        result[index]["Volume"] = len(ticks)
        before = ticks[-1]
    return result
