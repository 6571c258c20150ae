"""Which symbol is read next, and what is said of the present.

A symbol whose ticks come is read every pollMs; without ticks its interval grows to maxPollMs, and
after closedAfterMs to a second, so that the watermark of a market that is open is never older. Only
when no symbol at all had a tick for closedAfterMs, the market being closed, it grows to
closedPollMs; the first tick of any symbol wakes them all.
"""

import heapq
import sys
import time

from frames import LIVE_STREAM
from mt5_poller import LEAST_SET_BACK_MS, Overfull, Poller, utc_ms
from mt5_terminal import CallFailed, ConnectionGone

# As long as this after a tick the interval does not grow, then by this factor a read.
_ACTIVE_S = 1.0
_GROWTH = 1.25
_RESTING_S = 1.0
# A stamp that was found later than this after it may have come tells no time.
_FRESH_MS = 10000
_ROUND_SLACK_MS = 1000


class Polling:
    def __init__(self, terminal, settings, frames):
        self._terminal = terminal
        self._settings = settings
        self._frames = frames
        self.pollers = {}
        self._queue = []
        self._turn = 0
        self.feed_is_up = True
        self._confirmed_utc_ms = utc_ms()
        self._settled_at = 0.0
        self._ticked_at = time.monotonic()
        # The newest stamp of any symbol on the clock of now; the newest that was seen arriving since
        # the last present; whether what is read now is arriving.
        self.newest_ms = 0
        self._arrived_ms = None
        self._is_arriving = False

    def watch(self, raw_name, index):
        poller = self.pollers.get(raw_name)
        if poller is not None:
            poller.index = index
            return
        poller = Poller(raw_name, index, self._terminal, self._settings, self._publish)
        poller.interval = self._settings.pollMs / 1000
        if not self.feed_is_up:
            poller.hold(poller.complete_utc_ms)
        self.pollers[raw_name] = poller
        self._put(poller, time.monotonic())

    def unwatch(self, indexes):
        for poller in [one for one in self.pollers.values() if one.index in indexes]:
            poller.watched = False
            del self.pollers[poller.raw_name]

    def next_due(self):
        """When the next read is due, by the monotonic clock."""
        while self._queue and not self._is_current(self._queue[0]):
            heapq.heappop(self._queue)
        return self._queue[0][0] if self._queue else float("inf")

    def poll_next(self):
        """Reads the symbol that waits longest; one must be due. Raises ConnectionGone."""
        self.next_due()
        _, _, poller = heapq.heappop(self._queue)
        try:
            self._put(poller, self._read(poller))
        except ConnectionGone:
            self._put(poller, time.monotonic())
            raise

    def begin_round(self):
        """Asks whether the terminal has its own connection, and says how far the present is known.

        What was read before the question is complete when the answer is yes, but for ticks that
        come late, and those of an outage until they are healed. Raises ConnectionGone.
        """
        now_utc_ms = utc_ms()
        is_up = bool(self._terminal.info().connected)
        unseen_ms = now_utc_ms - self._confirmed_utc_ms
        if self.feed_is_up and unseen_ms > self._settings.overlapSeconds * 1000 + _ROUND_SLACK_MS:
            # The machine slept, or a call took long: a whole outage may lie in between.
            self.heal()
        if is_up != self.feed_is_up:
            self.set_feed(is_up, now_utc_ms, "the terminal is %s its server" %
                          ("connected to" if is_up else "not connected to"))
        if not is_up:
            return
        self._confirmed_utc_ms = now_utc_ms
        if self.pollers:
            complete_utc_ms = min(one.complete_utc_ms for one in self.pollers.values())
            self._frames.send({
                "type": "present",
                "nowUtcMs": now_utc_ms,
                # This machine's clock may have been set back meanwhile.
                "watermarkUtcMs": min(
                    complete_utc_ms - self._settings.overlapSeconds * 1000, now_utc_ms),
                "newestServerMs": self._arrived_ms,
            })
            self._arrived_ms = None

    def set_feed(self, is_up, now_utc_ms, reason):
        if is_up == self.feed_is_up:
            return
        self.feed_is_up = is_up
        if is_up:
            for poller in self.pollers.values():
                poller.warm = False
            self.heal()
        else:
            # Reads since the last confirmation may have lacked what the server had.
            for poller in self.pollers.values():
                poller.hold(self._confirmed_utc_ms)
        self._frames.send({
            "type": "feed", "state": "up" if is_up else "down", "nowUtcMs": now_utc_ms,
            "reason": reason,
        })

    def heal(self):
        """After an outage, whose ticks tell no time: they came while nobody looked."""
        now = time.monotonic()
        self._settled_at = now + _FRESH_MS / 1000
        for poller in self.pollers.values():
            poller.heal(self._confirmed_utc_ms)
        self._wake(now)

    def _read(self, poller):
        """Returns when it is due again."""
        self._is_arriving = (self.feed_is_up and poller.window is not None and
                             time.monotonic() >= self._settled_at and
                             utc_ms() - poller.reached_utc_ms <= _FRESH_MS)
        try:
            reached = poller.poll()
        except ConnectionGone:
            raise
        except (CallFailed, Overfull) as error:
            self._fails(poller, error)
            return time.monotonic() + self._settings.maxPollMs / 1000
        finally:
            self._is_arriving = False
        poller.failing = False
        self._see(poller.newest_ms)
        return time.monotonic() if not reached else time.monotonic() + self._interval(poller)

    def _fails(self, poller, error):
        """Tried again without end; the watermark waits for it. A symbol may have been hidden."""
        if not poller.failing:
            poller.failing = True
            print(error, file=sys.stderr, flush=True)
        self._terminal.select(poller.raw_name)

    def _interval(self, poller):
        settings, now = self._settings, time.monotonic()
        quiet_s = now - poller.ticked_at
        if quiet_s <= _ACTIVE_S:
            poller.interval = settings.pollMs / 1000
            return poller.interval
        most_s, closed_after_s = settings.maxPollMs / 1000, settings.closedAfterMs / 1000
        if now - self._ticked_at > closed_after_s:
            most_s = max(most_s, settings.closedPollMs / 1000)
        elif quiet_s > closed_after_s:
            most_s = max(most_s, _RESTING_S)
        poller.interval = min(poller.interval * _GROWTH, most_s)
        return poller.interval

    def _publish(self, poller, rows):
        now = time.monotonic()
        if now - self._ticked_at > self._settings.closedAfterMs / 1000:
            self._wake(now)
        poller.ticked_at = self._ticked_at = now
        self._frames.send_ticks(LIVE_STREAM, poller.index, rows.tobytes())
        # Others are far behind because they rest, or because the vendor delays them.
        went_back = (poller.is_set_back and
                     self.newest_ms - poller.newest_ms >= LEAST_SET_BACK_MS)
        if self._is_arriving and (poller.newest_ms > self.newest_ms or went_back):
            self._arrived_ms = poller.newest_ms
        if went_back:
            self.newest_ms = poller.newest_ms
        self._see(poller.newest_ms)

    def _see(self, server_ms):
        if server_ms is not None and server_ms > self.newest_ms:
            self.newest_ms = server_ms

    def _wake(self, now):
        self._queue = []
        for poller in self.pollers.values():
            poller.interval = self._settings.pollMs / 1000
            self._put(poller, now)

    def _put(self, poller, due):
        poller.due = due
        self._turn += 1
        heapq.heappush(self._queue, (due, self._turn, poller))

    @staticmethod
    def _is_current(entry):
        due, _, poller = entry
        return poller.watched and poller.due == due
