"""What was delivered of one symbol, and what is known to be missing. Valid Python 3.7.

Offers are conflated and history is not, so two readings of one minute may differ. To answer a
second reading like the first, a book keeps what it delivered. It is complete from the second in
which the symbol was first watched, its seam: what that second held before is fetched from history
once. A hole (the connection was away, the queue ran over) is filled the same way: history less
what was delivered, as a multiset of payloads, before any newer tick goes out. In a second that was
taken from history, what still comes live is no other tick.
"""

import collections

import numpy as np

from forexconnect_records import (NOTHING, between, join, pack_quotes, payloads, second_of,
                                  without)

# What a page may hold, and what a book may keep: both far above what 15 minutes bring.
PAGE_TICKS = 100000
_MAX_KEPT = 200000
_MAX_HELD = 100000
_FOR_EVER_MS = 1 << 60


class Hole:
    """Ticks since `from_ms` (server ms) may be missing; history is asked from `ready_at` on."""

    def __init__(self, from_ms, reason):
        self.from_ms = from_ms
        self.reason = reason
        # How many of the held quotes came before the hole's end.
        self.held_before_end = 0
        # Monotonic seconds; None while the feed is down.
        self.ready_at = None
        self.lag_until = None
        self.give_up_at = None
        self.healing = False


class Book:
    """The delivered ticks of one watched symbol, in their order."""

    def __init__(self, offer, index, memory_ms, now_ms):
        self.raw_name = offer.instrument
        self.offer_id = offer.offer_id
        self.index = index
        # Quotes that must wait (a list), or None: they go out at once.
        self.held = []
        self.hole = None
        # Server ms from which on everything is here, once the seam is closed.
        self.complete_from_ms = _FOR_EVER_MS
        # The offer by then, and how many ticks history had of it and after when it was last read.
        self.seam_quote = None
        self.seam_read = None
        self.seam_is_open = True
        self.watched_at = None
        self.newest_ms = None
        # How much time one page of history covers; follows how many ticks there are.
        self.span_ms = 2 * 3600000
        # For how long history has been empty, where its pages are now.
        self.empty_ms = 0
        self._memory_ms = memory_ms
        self._last = offer.quote
        self._seen_ms = now_ms if offer.quote is None else offer.quote[0]
        self._parts = collections.deque()
        self._kept = 0
        # Before this history was taken instead of what comes live.
        self._history_until_ms = 0

    def begin(self, quote, now_ms, now):
        """From here on live quotes are complete; `quote` is the offer's by then, or None."""
        self.seam_quote = quote
        self._seen_ms = now_ms if quote is None else quote[0]
        self.complete_from_ms = second_of(self._seen_ms)
        self.watched_at = now

    def take(self, quotes):
        """The records to send for live quotes, in the order of their arrival; remembers them.

        A change of an offer that leaves its time, bid and ask as they were is one of its other
        columns (volume, interest, the day's high) and no tick. A new time with the same prices is
        one: the vendor quoted again.
        """
        if self.held is not None:
            self.held.extend(quotes)
            return NOTHING
        fresh = []
        for quote in quotes:
            if quote != self._last and quote[0] >= self._history_until_ms:
                self._last = quote
                fresh.append(quote)
        records = pack_quotes(fresh)
        self._remember(records)
        return records

    def release(self):
        """Ends the waiting; the records of what waited."""
        quotes, self.held = self.held or [], None
        return self.take(quotes)

    def drop_held(self):
        """How many waiting quotes were dropped because they grew too many; history has them."""
        if self.held is None or len(self.held) <= _MAX_HELD:
            return 0
        dropped = len(self.held)
        self.held = []
        return dropped

    def tear(self, reason):
        """Opens a hole after the last delivered tick, or keeps the one that is open."""
        if self.hole is None:
            newest_ms = self._seen_ms if self.newest_ms is None else self.newest_ms
            self.hole = Hole(second_of(newest_ms), reason)
            self.held = [] if self.held is None else self.held
        self.hole.held_before_end = len(self.held)
        self.hole.ready_at = None
        return self.hole

    def first_after_hole(self):
        """The first quote that came after the hole and in a later second than it, or None.

        A quote from before the outage may arrive in it, and the first one after it may be old.
        """
        later = (quote for quote in self.held[self.hole.held_before_end:]
                 if second_of(quote[0]) > self.hole.from_ms)
        return next(later, None)

    def heal(self, history, is_whole):
        """Fills the hole from history since `hole.from_ms`; (what filled it, all to send).

        It ends with the second of the first tick after it, which is taken from history, too. That
        second, or else history's last one, may be half there when it is not whole: then the live
        ticks are kept from there on.
        """
        hole, first = self.hole, self.first_after_hole()
        last_ms = hole.from_ms if len(history) == 0 else second_of(history["server_ms"][-1])
        end_ms = last_ms + 1000 if is_whole else last_ms
        if first is not None:
            end_ms = min(end_ms, second_of(first[0]) + 1000)
        rows = between(history, hole.from_ms, end_ms)
        missing = without(rows, payloads(self.since(hole.from_ms)))
        self._history_until_ms = max(self._history_until_ms, end_ms)
        self._remember(missing)
        self.hole = None
        return missing, join([missing, self.release()])

    def close_seam(self, history):
        """Adds what the seam's second held before the symbol was watched."""
        end_ms = self.complete_from_ms + 1000
        rows = between(history, self.complete_from_ms, end_ms)
        # What came live was the end of the second, so the last of equal ticks are those.
        known = payloads(between(self.all(), self.complete_from_ms, end_ms))
        missing = without(rows[::-1], known)[::-1]
        self._history_until_ms = max(self._history_until_ms, end_ms)
        if len(missing) > 0:
            self._parts.appendleft(missing)
            self._kept += len(missing)
        self.seam_is_open = False

    def page(self, from_ms):
        """What was delivered from `from_ms` on: (records, where the next page begins or None)."""
        records = self.since(from_ms)
        if len(records) <= PAGE_TICKS:
            return records, None
        stamps = np.sort(records["server_ms"])
        end_ms = max(second_of(stamps[PAGE_TICKS]), second_of(stamps[0]) + 1000)
        rest = records["server_ms"] >= end_ms
        return records[~rest], end_ms if np.any(rest) else None

    def since(self, from_ms):
        return between(self.all(), from_ms, _FOR_EVER_MS)

    def all(self):
        whole = join(self._parts)
        self._parts = collections.deque([whole] if len(whole) > 0 else [])
        return whole

    def _remember(self, records):
        if len(records) == 0:
            return
        self._parts.append(records)
        self._kept += len(records)
        newest_ms = int(records["server_ms"].max())
        if self.newest_ms is None or newest_ms > self.newest_ms:
            self.newest_ms = newest_ms
        self._forget()

    def _forget(self):
        """Whole seconds go, so that what is older is answered by history alone."""
        if self.hole is not None or len(self._parts) < 2:
            return
        oldest_ms = self.newest_ms - self._memory_ms
        while len(self._parts) > 1:
            last_ms = int(self._parts[0]["server_ms"].max())
            if last_ms >= oldest_ms and self._kept <= _MAX_KEPT:
                return
            self._kept -= len(self._parts.popleft())
            self.complete_from_ms = max(self.complete_from_ms, second_of(last_ms) + 1000)
            self.seam_is_open = False
