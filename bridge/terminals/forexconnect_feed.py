"""The ForexConnect driver's live side: statuses, ticks, holes, the present. Valid Python 3.7."""

import sys
import time

from forexconnect_calls import Task
from forexconnect_records import goes_beyond, has_quote
from forexconnect_session import Failure, NotReady, quote_of
from fx_week import is_weekend

_RECONNECTING = ("RECONNECTING", "PRICE_SESSION_RECONNECTING")
_OVER = ("SESSION_LOST", "DISCONNECTED")
_UP = ("CONNECTED", "CONNECTED_WITH_NEED_TO_CHANGE_PASSWORD")
# These say nothing that the driver must act on.
_PASSING = ("CONNECTING", "DISCONNECTING", "CHART_SESSION_RECONNECTING", "UNKNOWN")
# A hole that cannot be filled for so long ends the session: the next one reads from history.
_HEAL_LIMIT_S = 180
_HEAL_RETRY_S = 1
_TELL_SKIPPED_S = 60
_AWAY = "the connection was away"


class Feed:
    """What the vendor's threads left in the inbox becomes live frames, in the order of arrival."""

    def __init__(self, frames, calls, session, inbox, settings):
        self._frames = frames
        self._calls = calls
        self._session = session
        self._inbox = inbox
        self._settings = settings
        self._books = {}
        self._healings = []
        self._is_open = False
        self._is_up = True
        self._is_lost = False
        self._statuses = set()
        self._last_status = None
        self._watermark_ms = None
        self._newest_ms = None
        self._told_newest_ms = None
        self._skipped = 0
        self._tell_skipped_at = 0

    def opened(self):
        """From here on statuses are told; the last one counts, should it have come already."""
        self._is_open = True
        if self._last_status is not None:
            self._take_status(*self._last_status, time.monotonic())

    def closing(self):
        """From here on the end of the session is wanted."""
        self._is_lost = True

    def login_trouble(self):
        """Why a login without an answer failed, where a status says so; else None."""
        self.drain()
        if "TRADING_SESSION_REQUESTED" in self._statuses and self._settings.session_id == "":
            return "This user has accounts in several databases: name one in the setting sessionId"
        if "CONNECTED_WITH_NEED_TO_CHANGE_PASSWORD" in self._statuses:
            return "FXCM wants a new password: log in once with Trading Station and change it"
        return None

    def book(self, raw_name):
        """The book of a watched symbol, or None."""
        return next((book for book in self._books.values() if book.raw_name == raw_name), None)

    def add(self, books):
        """Collects the quotes of more symbols; they wait until `begin`."""
        for book in books:
            self._books[book.offer_id] = book
        self._inbox.watch(self._books)

    def begin(self, book, quote):
        """Lets the quotes of a symbol go, those that waited first."""
        book.begin(quote, int(time.time() * 1000), time.monotonic())
        if not self._is_up:
            book.tear(_AWAY)
        if book.hole is None:
            self._send(book, book.release())

    def drop(self, indexes):
        for offer_id in [key for key, book in self._books.items() if book.index in indexes]:
            del self._books[offer_id]
        self._inbox.watch(self._books)

    def turn(self, now):
        """Sends what came, and goes on with the healing."""
        self._drain(now)
        self._healings = [healing for healing in self._healings if not healing.advance(now)]

    def drain(self):
        """Sends what came, so that what is answered next lacks nothing that came before it."""
        self._drain(time.monotonic())

    def present(self):
        """Tells how far everything is delivered, while symbols are watched and the feed is up."""
        now_ms = int(time.time() * 1000)
        self._drain(time.monotonic())
        if not self._books or not self._is_up or self._is_lost:
            return
        whole = all(book.held is None for book in self._books.values())
        if whole:
            # What was stamped since then may be on its way; stamps may be of whole seconds.
            settled_ms = now_ms - int(self._settings.settle_s * 1000)
            self._watermark_ms = settled_ms - settled_ms % self._settings.resolution_ms
        if self._watermark_ms is None:
            return
        newest_ms = None if self._newest_ms == self._told_newest_ms else self._newest_ms
        self._told_newest_ms = self._newest_ms
        self._frames.send({"type": "present", "nowUtcMs": now_ms, "newestServerMs": newest_ms,
                           "watermarkUtcMs": min(self._watermark_ms, now_ms)})

    def _drain(self, now):
        items, dropped = self._inbox.empty()
        quotes = {}
        for item in items:
            if len(item) == 2:
                self._deliver(quotes, now)
                quotes = {}
                self._take_status(item[0], item[1], now)
            elif item[0] in self._books:
                quote = quote_of(item[1], item[2], item[3], self._settings.resolution_ms)
                if quote is None:
                    self._skipped += 1
                else:
                    quotes.setdefault(item[0], []).append(quote)
        self._deliver(quotes, now)
        for offer_id, count in dropped.items():
            book = self._books.get(offer_id)
            if book is not None:
                note("The queue of offers was full: %d of %s are read from tick history" %
                      (count, book.raw_name))
                self._tear(book, "the queue was full", now)
        self._skipped += self._inbox.unread()
        if self._skipped > 0 and now >= self._tell_skipped_at:
            note("%d offers had no price or no time and are no ticks" % self._skipped)
            self._skipped, self._tell_skipped_at = 0, now + _TELL_SKIPPED_S

    def _deliver(self, quotes, now):
        for offer_id, of_one in quotes.items():
            book = self._books[offer_id]
            self._send(book, book.take(of_one))
            dropped = book.drop_held()
            if dropped > 0:
                note("Too many ticks waited for a hole to be filled: %d of %s are read from tick "
                      "history" % (dropped, book.raw_name))
                self._tear(book, "too many ticks waited", now)

    def _send(self, book, records):
        if len(records) == 0:
            return
        self._frames.send_ticks(0, book.index, records.tobytes())
        newest_ms = int(records["server_ms"].max())
        if self._newest_ms is None or newest_ms > self._newest_ms:
            self._newest_ms = newest_ms

    def _take_status(self, status, utc_ms, now):
        self._statuses.add(status)
        self._last_status = (status, utc_ms)
        if not self._is_open or self._is_lost:
            return
        if status in _RECONNECTING:
            self._set_up(False, utc_ms, "FXCM's connection is away: %s" % status, now)
        elif status in _UP:
            self._set_up(True, utc_ms, "FXCM's connection is back: %s" % status, now)
        elif status in _OVER:
            self.lost("FXCM's session is over: %s" % status, utc_ms)
        elif status not in _PASSING:
            note("FXCM's session has the status %s" % status)

    def _set_up(self, is_up, utc_ms, reason, now):
        if is_up == self._is_up:
            return
        self._is_up = is_up
        for book in self._books.values():
            self._tear(book, _AWAY, now)
        self._frames.send({"type": "feed", "state": "up" if is_up else "down", "nowUtcMs": utc_ms,
                           "reason": reason})

    def lost(self, reason, utc_ms=None):
        """Says, once, that this session cannot go on."""
        if not self._is_lost:
            self._is_lost = True
            utc_ms = int(time.time() * 1000) if utc_ms is None else utc_ms
            self._frames.send({"type": "lost", "closed": is_weekend(utc_ms), "reason": reason})

    def _tear(self, book, reason, now):
        """Opens a hole and has it healed once the feed is up and its edges have settled."""
        hole = book.tear(reason)
        if not self._is_up:
            return
        hole.ready_at = now + self._settings.settle_s
        hole.lag_until = hole.ready_at + self._settings.history_lag_s
        hole.give_up_at = now + _HEAL_LIMIT_S
        if not hole.healing:
            hole.healing = True
            self._healings.append(Task(self._heal(book, hole)))

    def _heal(self, book, hole):
        before = None
        while self._is_torn(book, hole):
            if hole.ready_at is None:
                # The feed went away again; it is healed when that is over.
                hole.healing = False
                return
            if time.monotonic() < hole.ready_at:
                yield hole.ready_at
                continue
            try:
                offered, rows = yield self._calls.start(
                    "tick history of " + book.raw_name, self._settings.history_timeout_s,
                    lambda: self._read(book, hole.from_ms))
            except (Failure, NotReady) as error:
                if getattr(error, "code", "") == "session" or time.monotonic() > hole.give_up_at:
                    self.lost("Ticks of %s since %d cannot be read again: %s" %
                              (book.raw_name, hole.from_ms, error))
                    return
                yield time.monotonic() + _HEAL_RETRY_S
                continue
            self.drain()
            now = time.monotonic()
            if not self._is_torn(book, hole) or hole.ready_at is None or now < hole.ready_at:
                continue
            is_whole = _is_whole(rows, before, book.first_after_hole(), offered)
            if not is_whole:
                if now < hole.lag_until:
                    before = len(rows)
                    yield now + self._settings.settle_s
                    continue
                note("Tick history of %s stays behind the offers and is taken as it is" %
                     book.raw_name)
            missing, records = book.heal(rows, is_whole)
            self._send(book, records)
            note("%d ticks of %s since %d were read from tick history: %s" %
                  (len(missing), book.raw_name, hole.from_ms, hole.reason))

    def _is_torn(self, book, hole):
        return book.hole is hole and self._books.get(book.offer_id) is book and not self._is_lost

    def _read(self, book, from_ms):
        """(the offer's quote or None, history), read in the thread of calls."""
        offer = self._session.offers().get(book.raw_name)
        quote = None if offer is None else offer.quote
        return quote, self._session.ticks(book.raw_name, from_ms)


def _is_whole(rows, before, first, offered):
    """Whether history has all of the second of the first tick after a hole, else all there is.

    It does when it goes beyond that tick. In a quiet market nothing is beyond: then it must have
    the tick, or the one that the offers show, and be as long as it was when it was read `before`.
    """
    if first is not None and goes_beyond(rows, first):
        return True
    wanted = offered if first is None else first
    is_there = wanted is None or goes_beyond(rows, wanted) or has_quote(rows, wanted)
    return is_there and before == len(rows)


def note(sentence):
    """A sentence for the bridge's log."""
    print(sentence, file=sys.stderr)
