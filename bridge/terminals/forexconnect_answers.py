"""How the ForexConnect driver answers what an open session is asked. Valid Python 3.7."""

import time

from forexconnect_book import PAGE_TICKS, Book
from forexconnect_feed import note
from forexconnect_records import goes_beyond, has_quote, second_of
from forexconnect_session import Failure, NotReady
from forexconnect_settings import BadSetting
from fx_week import DAY_MS, HOUR_MS, after_days, after_month, is_weekend

# FXCM's codes by the labels of `lib/market/timeframe.ts` and the other ways it reads them; m1 is a
# minute and M1 a month. Lengths where they are the same all year.
_MINUTES = {"%dMIN" % count: ("m%d" % count, count * 60000) for count in (1, 5, 15, 30)}
_LONGER = {
    "1H": ("H1", HOUR_MS), "4H": ("H4", 4 * HOUR_MS),
    "1D": ("D1", DAY_MS), "1W": ("W1", 7 * DAY_MS), "1M": ("M1", 31 * DAY_MS),
}
_ALIASES = {
    "1m": "1MIN", "5m": "5MIN", "15m": "15MIN", "30m": "30MIN", "60m": "1H",
    "1min": "1MIN", "5min": "5MIN", "15min": "15MIN", "30min": "30MIN", "1h": "1H", "4h": "4H",
    "1d": "1D", "1w": "1W", "1mo": "1M", "1MN": "1M", "1mn": "1M",
}
TIMEFRAMES = dict(_MINUTES, **_LONGER)
TIMEFRAMES.update((alias, TIMEFRAMES[label]) for alias, label in _ALIASES.items())
_BARS_A_CALL = 20000
_ITEMS_A_MESSAGE = 2000
_SYMBOLS_A_MESSAGE = 100
# The package fills an array row by row: a page must not take it long.
_MIN_SPAN_MS, _MAX_SPAN_MS = 60000, 8 * HOUR_MS
_FEW_TICKS = PAGE_TICKS // 5
# History that was empty for longer than any holiday begins later: pages grow until they find it.
_LONGEST_PAUSE_MS, _MAX_EMPTY_SPAN_MS = 5 * DAY_MS, 8 * DAY_MS
# 1999, when FXCM was founded: no tick is older.
_FOUNDED_MS = 915148800000
# A page that ends so close before the seam may ask for what history does not have yet.
_NEAR_MS = 600000


def refusal(error):
    """(code, message) of `failed` for an error."""
    if isinstance(error, Failure):
        return error.code, str(error)
    if isinstance(error, NotReady):
        closed = is_weekend(int(time.time() * 1000))
        return "closed" if closed else "vendor", "FXCM's history is not ready: %s" % error
    if isinstance(error, BadSetting):
        return "bad_request", str(error)
    if isinstance(error, (KeyError, TypeError, ValueError)):
        return "bad_request", "Cannot understand the request: %s %s" % (type(error).__name__, error)
    raise error


class Answers:
    """Each answer is a generator of `forexconnect_calls.Task`; it raises what `refusal` names."""

    def __init__(self, frames, calls, session, feed, settings):
        self._frames = frames
        self._calls = calls
        self._session = session
        self._feed = feed
        self._settings = settings

    def answer(self, request):
        kinds = {"check": self._check, "symbols": self._symbols, "watch": self._watch,
                 "page": self._page, "bars": self._bars}
        if request["type"] == "unwatch":
            self._feed.drop(set(request["indexes"]))
            return
        kind = kinds.get(request["type"])
        if kind is None:
            raise Failure("bad_request", "Cannot answer an unknown request: current type is %s" %
                          request["type"])
        yield from kind(request)

    def _call(self, name, function):
        try:
            return (yield self._calls.start(name, self._settings.history_timeout_s, function))
        except Failure as error:
            if error.code == "session":
                self._feed.lost(str(error))
            raise

    def _check(self, request):
        yield from self._call("the check", self._session.check)
        self._frames.send({"type": "checked", "id": request["id"]})

    def _symbols(self, request):
        symbols = yield from self._call("the table of offers", self._session.symbols)
        self._send_parts("symbols", request["id"], symbols, _SYMBOLS_A_MESSAGE)

    def _watch(self, request):
        wanted = {symbol["rawName"]: symbol["index"] for symbol in request["symbols"]}
        offers = yield from self._call("the table of offers", self._session.offers)
        unknown = [name for name in wanted if name not in offers]
        if unknown:
            raise Failure("not_found", "FXCM offers no %s; names are like EUR/USD or US30" %
                          ", ".join(unknown))
        idle = [name for name in wanted if offers[name].status != "T"]
        if idle:
            raise Failure("bad_request", "FXCM sends no prices of %s to this account: subscribe "
                          "to them in Trading Station (Trading, Symbol Subscriptions)" %
                          ", ".join("%s (status %s)" % (name, offers[name].status)
                                    for name in idle))
        now_ms = int(time.time() * 1000)
        books = [Book(offers[name], index, self._settings.memory_ms, now_ms)
                 for name, index in wanted.items()]
        self._feed.add(books)
        # Read again: what the offers showed by then was not seen live, what changes later is.
        try:
            offers = yield from self._call("the table of offers", self._session.offers)
        except Exception:
            self._feed.drop(set(wanted.values()))
            raise
        self._frames.send({"type": "watching", "id": request["id"]})
        for book in books:
            offer = offers.get(book.raw_name)
            self._feed.begin(book, None if offer is None else offer.quote)

    def _page(self, request):
        book = self._feed.book(request["rawName"])
        if book is None:
            raise Failure("bad_request", "Cannot page %s: current state is not watched" %
                          request["rawName"])
        self._feed.drain()
        from_ms = request["fromServerMs"]
        if from_ms == "now":
            self._end_page(request, None)
            return
        to_ms = second_of(from_ms + book.span_ms)
        reaches_seam = to_ms + _NEAR_MS >= book.complete_from_ms
        if book.seam_is_open and reaches_seam and from_ms < book.complete_from_ms + 1000:
            wait_ms = yield from self._close_seam(book)
            if wait_ms is not None:
                self._end_page(request, from_ms, waitMs=wait_ms)
                return
        if from_ms < book.complete_from_ms:
            yield from self._page_of_history(request, book, min(to_ms, book.complete_from_ms))
            return
        self._feed.drain()
        records, next_ms = book.page(from_ms)
        self._frames.send_ticks(request["id"], 0, records.tobytes())
        self._end_page(request, next_ms)

    def _page_of_history(self, request, book, to_ms):
        from_ms = request["fromServerMs"]
        if from_ms < _FOUNDED_MS:
            self._end_page(request, min(_FOUNDED_MS, book.complete_from_ms))
            return
        try:
            records = yield from self._call(
                "tick history of " + book.raw_name,
                lambda: self._session.ticks(book.raw_name, from_ms, to_ms))
        except NotReady:
            self._end_page(request, from_ms, waitMs=self._settings.closed_retry_ms)
            return
        book.empty_ms = 0 if len(records) > 0 else book.empty_ms + to_ms - from_ms
        if len(records) > PAGE_TICKS:
            book.span_ms = max(min(book.span_ms // 2, _MAX_SPAN_MS), _MIN_SPAN_MS)
            end_ms = second_of(records["server_ms"][PAGE_TICKS])
            if end_ms > from_ms:
                to_ms = end_ms
                records = records[records["server_ms"] < to_ms]
        elif len(records) < _FEW_TICKS:
            is_before_all = book.empty_ms > _LONGEST_PAUSE_MS
            book.span_ms = min(book.span_ms * 2,
                               _MAX_EMPTY_SPAN_MS if is_before_all else _MAX_SPAN_MS)
        self._frames.send_ticks(request["id"], 0, records.tobytes())
        self._end_page(request, to_ms)

    def _close_seam(self, book):
        """Milliseconds to wait until the seam can be closed; None when it is."""
        now, seam_ms = time.monotonic(), book.complete_from_ms
        settled_at = book.watched_at + self._settings.settle_s
        if now < settled_at:
            return int((settled_at - now) * 1000) + 1
        try:
            records = yield from self._call(
                "tick history of " + book.raw_name,
                lambda: self._session.ticks(book.raw_name, seam_ms))
        except NotReady:
            return self._settings.closed_retry_ms
        before, book.seam_read = book.seam_read, len(records)
        if not _is_whole(records, before, book.seam_quote):
            if now < book.watched_at + self._settings.history_lag_s:
                return int(self._settings.settle_s * 1000)
            note("Tick history of %s does not have the last offer before it was watched and is "
                 "taken as it is" % book.raw_name)
        if book.seam_is_open:
            self._feed.drain()
            book.close_seam(records)
        return None

    def _end_page(self, request, next_ms, **more):
        message = {"type": "page", "id": request["id"], "nextServerMs": next_ms}
        message.update(more)
        self._frames.send(message)

    def _bars(self, request):
        name, timeframe = request["rawName"], request["timeframe"]
        if timeframe not in TIMEFRAMES:
            raise Failure("bad_request", "Cannot read bars of %s: FXCM has %s" %
                          (timeframe, ", ".join(list(_MINUTES) + list(_LONGER))))
        offers = yield from self._call("the table of offers", self._session.offers)
        if name not in offers:
            raise Failure("not_found", "FXCM offers no %s" % name)
        code, length_ms = TIMEFRAMES[timeframe]
        from_ms, to_ms = request["fromServerMs"], request["toServerMs"]
        is_last = False
        while not is_last:
            end_ms = min(from_ms + _BARS_A_CALL * length_ms, to_ms)
            bars = (yield from self._ready_bars(name, code, from_ms, end_ms)) \
                if from_ms < end_ms else []
            now_ms = time.time() * 1000
            while bars and _end_of(bars[-1][0], code, length_ms) > now_ms:
                bars.pop()
            from_ms, is_last = end_ms, end_ms >= min(to_ms, now_ms)
            self._send_parts("bars", request["id"], bars, _ITEMS_A_MESSAGE, is_last)

    def _ready_bars(self, name, code, from_ms, to_ms):
        give_up_at = time.monotonic() + self._settings.history_timeout_s
        while True:
            try:
                return (yield from self._call(
                    "history of " + name, lambda: self._session.bars(name, code, from_ms, to_ms)))
            except NotReady:
                if time.monotonic() + self._settings.closed_retry_ms / 1000 > give_up_at:
                    raise
                yield time.monotonic() + self._settings.closed_retry_ms / 1000

    def _send_parts(self, kind, request_id, items, size, is_last=True):
        for start in range(0, max(len(items), 1), size):
            self._frames.send({"type": kind, "id": request_id, kind: items[start:start + size],
                               "last": is_last and start + size >= len(items)})


def _is_whole(records, before, quote):
    """Whether history has all of the second in which a symbol was first watched.

    It does when it goes beyond the offer of that moment. In a quiet market nothing is beyond: then
    it must have that offer and be as long as it was when it was read `before`.
    """
    return quote is None or goes_beyond(records, quote) or \
        (has_quote(records, quote) and before == len(records))


def _end_of(open_ms, code, length_ms):
    """When a bar is finished; days, weeks and months follow New York's clock."""
    if code == "M1":
        return after_month(open_ms)
    if code in ("D1", "W1"):
        return after_days(open_ms, length_ms // DAY_MS)
    return open_ms + length_ms
