"""The market behind the fake: recorded ticks on a clock of its own, live and as history."""

import bisect
import json
import os
import time

SCRIPT = json.loads(os.environ.get("FAKE_FOREXCONNECT", "{}"))
_SPEED = SCRIPT.get("speed", 1)
_STARTED = time.monotonic()
_START_MS = SCRIPT.get("nowUtcMs", int(time.time() * 1000))


def now_ms():
    """FXCM's clock: it begins at `nowUtcMs` when the package is imported and runs at `speed`."""
    return _START_MS + int((time.monotonic() - _STARTED) * 1000 * _SPEED)


def set_process_clock():
    """The machine's clock shows the market's time, or less by `clockBehindMs`."""
    behind_ms = SCRIPT.get("clockBehindMs", 0)
    time.time = lambda: (now_ms() - behind_ms) / 1000


class Series(object):
    """The ticks of one instrument: (UTC ms, bid, ask), from a CSV of these columns."""

    def __init__(self, path):
        self.ms, self.prices = [], []
        if path is None:
            return
        with open(path) as lines:
            for line in lines:
                ms, bid, ask = line.split(",")
                self.ms.append(int(ms))
                self.prices.append((float(bid), float(ask)))

    def between(self, from_ms, to_ms):
        """The ticks of a range with both ends, as (UTC ms, (bid, ask))."""
        start, end = bisect.bisect_left(self.ms, from_ms), self.after(to_ms)
        return list(zip(self.ms[start:end], self.prices[start:end]))

    def after(self, ms):
        """The index of the first tick later than this."""
        return bisect.bisect_right(self.ms, ms)
