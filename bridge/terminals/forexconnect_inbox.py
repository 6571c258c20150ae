"""Where the vendor's threads leave what they have to say. Valid Python 3.7."""

import collections
import threading
import time


class Inbox:
    """Quotes and session statuses in the order of their arrival, for the driver's loop.

    Callbacks run on the vendor's threads and only put something in here: a call into the vendor
    from inside one can freeze. The queue is bounded: once it is full, quotes are counted by offer
    and dropped until the loop has emptied it, so that they leave one hole, which the loop heals
    from tick history. Statuses always have a place: there are a handful in a reconnect.
    """

    def __init__(self, max_quotes, wake):
        self._max_quotes = max_quotes
        self._wake = wake
        self._lock = threading.Lock()
        self._items = collections.deque()
        self._offer_ids = frozenset()
        self._dropped = collections.Counter()
        self._unread = 0

    def watch(self, offer_ids):
        """Keeps quotes of these offers from now on, and of no other."""
        self._offer_ids = frozenset(offer_ids)

    def on_offer(self, _listener, offer_id, row):
        """The callback of a row that was added or changed."""
        if offer_id not in self._offer_ids:
            return
        # The row is the table's own and goes on changing: what counts is taken now.
        try:
            quote = (offer_id, row.time, row.bid, row.ask)
        except Exception:  # An exception must not enter the vendor's thread.
            with self._lock:
                self._unread += 1
            return
        with self._lock:
            if self._dropped or len(self._items) >= self._max_quotes:
                self._dropped[offer_id] += 1
            else:
                self._items.append(quote)
        self._wake.set()

    def on_status(self, _session, status):
        """The callback of the session's status."""
        item = (name_of(status), int(time.time() * 1000))
        with self._lock:
            self._items.append(item)
        self._wake.set()

    def empty(self):
        """All that came: (items, how many quotes of which offer were dropped after them).

        An item of four is a quote (offer id, time, bid, ask), one of two a status (name, UTC ms).
        """
        with self._lock:
            items, self._items = self._items, collections.deque()
            dropped, self._dropped = self._dropped, collections.Counter()
        return items, dropped

    def unread(self):
        """How many rows could not be read since the last time."""
        with self._lock:
            unread, self._unread = self._unread, 0
        return unread


def name_of(value):
    """The name of one of the vendor's enumeration values, however its binding shows it."""
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else str(value).rsplit(".", 1)[-1]
