"""Pages of a symbol's tick history, up to the present and without a seam to the live ticks.

The read that reaches the present is reconciled with the symbol's poller before it is answered: what
others have not got goes out as live first, so that live ticks after the answer are exactly what
follows the page.
"""

from collections import namedtuple

from mt5_poller import Overfull
from mt5_terminal import SUCCESS, CallFailed, ConnectionGone
from mt5_ticks import newest_ms, since, whole_seconds

# An earlier read of the same page that was not believed yet; newest_ms of None: it was cut short.
_Attempt = namedtuple("_Attempt", "from_ms count newest_ms tries")


class Pages:
    def __init__(self, terminal, settings, frames):
        self._terminal = terminal
        self._settings = settings
        self._frames = frames

    def answer(self, request_id, poller, from_ms):
        """Answers one page request. Raises CallFailed, ConnectionGone, Overfull."""
        if from_ms == "now":
            self._find_present(poller)
            self._end(request_id, None)
            return
        try:
            rows, read_s, next_s = self._read(poller, from_ms // 1000)
        except ConnectionGone:
            raise
        except CallFailed:
            tries = self._tries(poller, from_ms) + 1
            if tries >= self._settings.warmTries:
                poller.attempt = None
                raise
            poller.attempt = _Attempt(from_ms, -1, None, tries)
            self._wait(request_id, from_ms)
            return
        page = since(rows, from_ms)
        if not self._is_settled(poller, from_ms, page, next_s):
            self._wait(request_id, from_ms)
            return
        if next_s is None:
            if poller.window is None:
                poller.start(rows, read_s)
            else:
                poller.take(rows, read_s)
        if len(page) > 0:
            self._frames.send_ticks(request_id, 0, page.tobytes())
        self._end(request_id, None if next_s is None else next_s * 1000)

    def _read(self, poller, second):
        """The rows from a second on, that second, and the one before which they end.

        The last is None when they reach the present. They may begin before the second asked for.
        """
        count = self._settings.pageTicks
        while True:
            # A poller that lags behind the page is brought on by the same rows.
            read_s = second if poller.window is None else min(second, poller.read_s)
            rows = self._terminal.ticks(poller.raw_name, read_s, count)
            if len(rows) < count:
                return rows, read_s, None
            whole, next_s = whole_seconds(rows)
            if next_s <= read_s:
                count = poller.larger(count, next_s)
            elif read_s < second:
                poller.take(whole, read_s, next_s)
            elif poller.window is None or next_s <= poller.window.from_s:
                return whole, read_s, next_s
            elif second < poller.window.from_s:
                # Ticks that come late are live ones from here on, and the last page must have them.
                next_s = poller.window.from_s
                return rows[rows["time_msc"] < next_s * 1000], read_s, next_s
            else:
                count = poller.larger(count, next_s)

    def _is_settled(self, poller, from_ms, page, next_s):
        """Whether the history may be believed to be loaded; otherwise this read is remembered.

        The first page after a symbol was selected needs two reads that agree, and so does one that
        ends before the newest tick that the terminal has shown. Raises CallFailed when it still
        ends before ticks that were delivered.
        """
        newest = newest_ms(page) if len(page) > 0 else None
        reaches = next_s is not None or self._reaches_present(poller, from_ms, newest)
        tries = self._tries(poller, from_ms) + 1
        is_believed = (poller.warm and reaches) or tries >= self._settings.warmTries
        if not is_believed and not self._agrees(poller.attempt, from_ms, page, reaches):
            reached_ms = newest if reaches and next_s is None else None
            poller.attempt = _Attempt(from_ms, len(page), reached_ms, tries)
            return False
        poller.attempt = None
        delivered = None if poller.window is None else poller.window.newest_ms
        if not reaches and delivered is not None and delivered >= from_ms:
            if newest is None or newest < delivered:
                raise CallFailed("read the history of %s to its end" % poller.raw_name, SUCCESS,
                                 "it lacks ticks that it had")
        poller.warm = True
        return True

    @staticmethod
    def _agrees(seen, from_ms, page, reaches):
        """Ticks that came after what the earlier read reached are no disagreement."""
        if seen is None or seen.from_ms != from_ms:
            return False
        if seen.count == len(page):
            return True
        if not reaches or seen.newest_ms is None:
            return False
        return int((page["time_msc"] <= seen.newest_ms).sum()) == seen.count

    def _reaches_present(self, poller, from_ms, newest):
        shown = self._shown_ms(poller)
        if shown is None or from_ms > shown:
            return True
        return newest is not None and newest >= shown

    def _shown_ms(self, poller):
        if poller.newest_ms is not None:
            return poller.newest_ms
        quote = self._terminal.quote(poller.raw_name)
        return None if quote is None else int(quote.time_msc)

    def _find_present(self, poller):
        """The present of a symbol that nobody had before begins with this read, if there is one."""
        if poller.window is not None:
            return
        try:
            poller.poll()
        except ConnectionGone:
            raise
        except (CallFailed, Overfull):
            # Polling goes on; the symbol's present begins where it first succeeds.
            pass

    @staticmethod
    def _tries(poller, from_ms):
        seen = poller.attempt
        return seen.tries if seen is not None and seen.from_ms == from_ms else 0

    def _wait(self, request_id, from_ms):
        self._frames.send({
            "type": "page", "id": request_id, "nextServerMs": from_ms,
            "waitMs": self._settings.warmPauseMs,
        })

    def _end(self, request_id, next_server_ms):
        self._frames.send({"type": "page", "id": request_id, "nextServerMs": next_server_ms})
