"""What `present` claims while the machine's clock is set back; run by mt5_driver_times_test.ts.

The first argument is the folder of the bridge.
"""

import os
import sys
from collections import namedtuple

sys.path[:0] = [sys.argv[1], os.path.join(sys.argv[1], "terminals")]

import mt5_poller  # noqa: E402
import mt5_polling  # noqa: E402

OVERLAP_S = 2
Settings = namedtuple("Settings", "pollMs maxPollMs closedAfterMs closedPollMs overlapSeconds "
                      "healMs pageTicks maxPageTicks")


class Terminal:
    """Connected, and without a quote."""

    def info(self):
        return namedtuple("Info", "connected")(True)

    def quote(self, _raw_name):
        return None


class Frames:
    def __init__(self):
        self.sent = []

    def send(self, message):
        self.sent.append(message)


def at(utc_ms):
    mt5_poller.utc_ms = mt5_polling.utc_ms = lambda: utc_ms


def present(polling, frames):
    polling.begin_round()
    told = frames.sent[-1]
    assert told["type"] == "present", told
    return told["watermarkUtcMs"]


NOON_MS = 1781092800000
frames = Frames()
at(NOON_MS)
polling = mt5_polling.Polling(Terminal(), Settings(1, 1, 1, 1, OVERLAP_S, 60000, 10, 10), frames)
polling.watch("EURUSD", 0)
at(NOON_MS + 1000)
polling.poll_next()
told = present(polling, frames)
assert told <= NOON_MS + 1000 - OVERLAP_S * 1000, "late ticks may still come: %d" % told
at(NOON_MS - 60000)
told = present(polling, frames)
assert told <= NOON_MS - 60000, "the watermark is ahead of now: %d" % told
