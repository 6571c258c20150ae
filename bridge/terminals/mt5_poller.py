"""One symbol being read again and again: where its next read begins, and what was delivered."""

import sys
import time

from mt5_ticks import TickWindow, after_last, newest_ms, since, whole_seconds

# What one read of the present asks for, until a second holds more.
POLL_TICKS = 10000
# How often it is asked of a quiet symbol whether the clock went back, and how long ago it may have.
_ASK_S = 1.0
_BACK_S = 60
# After an outage the history is read again so many times.
_HEAL_READS = 6
# No clock is set back by less.
LEAST_SET_BACK_MS = 900000


class Overfull(Exception):
    """One second holds more ticks than a read may ask for."""


def utc_ms():
    return time.time_ns() // 1000000


class Poller:
    """`publish(poller, rows)` is given what is new.

    Until the symbol's present is known there is no window: then nothing is published, as nothing
    is known to be new.
    """

    def __init__(self, raw_name, index, terminal, settings, publish):
        self.raw_name = raw_name
        self.index = index
        self._terminal = terminal
        self._settings = settings
        self._publish = publish
        self.window = None
        # The second from which the next read of the present begins.
        self.read_s = None
        self._count = POLL_TICKS
        # When the present was reached last. What was missing before belongs to the pages.
        self.reached_utc_ms = utc_ms()
        # What the server had by then was delivered; after an outage, once it is healed.
        self.complete_utc_ms = self.reached_utc_ms
        # The newest stamp that the terminal showed or delivered, and the newest ever.
        self.newest_ms = None
        self._peak_ms = 0
        self._had_no_quote = False
        # While it holds, the window keeps what was delivered since the outage began.
        self._holds = False
        self._heal_reads = []
        self._asks_at = 0.0
        self._quote_ms = None
        self.watched = True
        self.failing = False
        # When the next read is due and how far apart they are, in seconds of the monotonic clock.
        self.due = 0.0
        self.interval = 0.0
        self.ticked_at = time.monotonic()
        # What the pages know of the history's warming up.
        self.warm = False
        self.attempt = None

    def poll(self):
        """One read. True when the present is reached, False when more is there already."""
        if self._heal_reads and time.monotonic() >= self._heal_reads[0]:
            del self._heal_reads[0]
            self._holds = len(self._heal_reads) > 0
            if self.window is not None:
                self.read_s = self.window.from_s
        if self.window is None:
            return self._begin()
        started_utc_ms = utc_ms()
        rows = self._terminal.ticks(self.raw_name, self.read_s, self._count)
        if len(rows) < self._count:
            if self.take(rows, self.read_s) == 0:
                self._follow_clock_back()
            self._count = POLL_TICKS
            self._reach(started_utc_ms)
            return True
        whole, next_s = whole_seconds(rows)
        if next_s > self.read_s:
            self.take(whole, self.read_s, next_s)
        else:
            self._count = self.larger(self._count, next_s)
        return False

    def larger(self, count, second):
        """The next greater count for a read that one second fills. Raises Overfull."""
        most = self._settings.maxPageTicks
        if count >= most:
            raise Overfull("Cannot read second %d of %s whole: current count is at least %d ticks" %
                           (second, self.raw_name, count))
        return min(count * 2, most)

    def take(self, rows, read_from_s, next_s=None):
        """Publishes what nobody has got yet of everything that there is from `read_from_s` on.

        Returns how many these are. `next_s`: the read ended before that second, not at the
        present.
        """
        new = self.window.take(rows, read_from_s)
        if len(new) > 0:
            self._see(newest_ms(new))
            self._publish(self, new)
        target_s = self.window.from_s
        if self.newest_ms is not None:
            target_s = self.newest_ms // 1000 - self._settings.overlapSeconds
        if self._holds and len(self.window) > self._settings.pageTicks:
            print("Cannot hold more than %d ticks of %s until its outage is healed: what the "
                  "terminal adds to its history from now on is left to an audit" %
                  (self._settings.pageTicks, self.raw_name), file=sys.stderr, flush=True)
            self._holds = False
            self._heal_reads = []
        if not self._holds:
            until_s = target_s if next_s is None else next_s - self._settings.overlapSeconds
            self.window.advance(min(target_s, until_s))
        self.read_s = max(target_s, self.window.from_s) if next_s is None else next_s
        return len(new)

    def start(self, rows, from_s):
        """Takes these as delivered, and what comes after them as new."""
        if len(rows) > 0:
            self._see(newest_ms(rows))
            from_s = max(from_s, newest_ms(rows) // 1000 - self._settings.overlapSeconds)
        self.window = TickWindow(from_s, rows)
        self.read_s = from_s

    @property
    def is_set_back(self):
        """Whether the server's clock went back, and has not come to where it was again."""
        return self.newest_ms is not None and self._peak_ms - self.newest_ms >= LEAST_SET_BACK_MS

    def hold(self, since_utc_ms):
        """An outage began after then: its ticks enter the history afterwards, before later ones."""
        self._holds = True
        self.complete_utc_ms = min(self.complete_utc_ms, since_utc_ms)

    def heal(self, since_utc_ms):
        """The outage is over: reads on from where it began, a few times, at growing distances."""
        self.hold(since_utc_ms)
        now, length = time.monotonic(), self._settings.healMs / 1000
        self._heal_reads = [now + length / 2 ** nth for nth in range(_HEAL_READS - 1, -1, -1)]

    def _begin(self):
        """Finds the symbol's present. What is there before it is published by pages alone."""
        started_utc_ms = utc_ms()
        quote = self._terminal.quote(self.raw_name)
        if quote is None:
            self._had_no_quote = True
            self._reach(started_utc_ms)
            return True
        from_s = int(quote.time) - self._settings.overlapSeconds
        rows = self._terminal.ticks(self.raw_name, from_s, self._count)
        if len(rows) >= self._count:
            self._count = self.larger(self._count, from_s)
            return False
        first_quote_ms = int(quote.time_msc)
        self._see(first_quote_ms)
        self.start(rows, from_s)
        self._reach(started_utc_ms)
        if self._had_no_quote:
            # The first quote of all came while it was watched, so it is news.
            news = since(rows, first_quote_ms)
            if len(news) > 0:
                self._publish(self, news)
        return True

    def _see(self, server_ms):
        if self.newest_ms is None or server_ms > self.newest_ms:
            self.newest_ms = server_ms
        self._peak_ms = max(self._peak_ms, self.newest_ms)

    def _reach(self, utc_ms_before):
        self.reached_utc_ms = utc_ms_before
        if not self._holds:
            self.complete_utc_ms = utc_ms_before

    def _follow_clock_back(self):
        """Once a second, of a symbol that is quiet: has the server's clock been set back?

        In the hour that it repeats in autumn the ticks of a symbol that never rests lie behind the
        cursor. The terminal's latest tick is then older than the one before it; what its history
        holds after the newest one is new, and the rest counts as delivered.
        """
        now = time.monotonic()
        if now < self._asks_at:
            return
        self._asks_at = now + _ASK_S
        quote = self._terminal.quote(self.raw_name)
        before_ms = self._quote_ms
        self._quote_ms = None if quote is None else int(quote.time_msc)
        if self._quote_ms is None or before_ms is None or self._quote_ms >= before_ms:
            return
        overlap_ms = self._settings.overlapSeconds * 1000
        if self.newest_ms is None or self._quote_ms >= self.newest_ms - overlap_ms:
            return
        from_s = self._quote_ms // 1000 - _BACK_S
        rows = self._terminal.ticks(self.raw_name, from_s, self._count)
        if len(rows) >= self._count:
            self._quote_ms = before_ms
            self._count = self.larger(self._count, from_s)
            return
        print("The server's clock went back: the latest tick of %s was stamped %d ms, now %d ms" %
              (self.raw_name, self.newest_ms, self._quote_ms), file=sys.stderr, flush=True)
        new = after_last(rows, self.newest_ms)
        self.window = TickWindow(from_s, rows)
        self.read_s = from_s
        self.newest_ms = self._quote_ms
        if len(new) > 0:
            self._publish(self, new)
