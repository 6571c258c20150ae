"""Ticks of a terminal as numpy arrays: cleaned, cut, and told apart from those already delivered.

Pure: no vendor, no pipe, no clock.
"""

import numpy as np

# What the terminal's package returns, packed; the same bytes travel to the bridge.
TICK = np.dtype([
    ("time", "<i8"), ("bid", "<f8"), ("ask", "<f8"), ("last", "<f8"), ("volume", "<u8"),
    ("time_msc", "<i8"), ("flags", "<u4"), ("volume_real", "<f8"),
])
_WHOLE_ROW = np.dtype((np.void, TICK.itemsize))
FLAG_LAST = 8
# BID, ASK, LAST, VOLUME, BUY, SELL. Builds differ in what they put into the other bits.
DOCUMENTED_FLAGS = 2 | 4 | FLAG_LAST | 16 | 32 | 64


def clean(read):
    """An own copy of what the vendor returned, with documented flags only.

    A terminal writes 0 for a last price that never was; no price is NaN. A volume of 0 stays.
    Raises ValueError when the rows are not laid out as ticks.
    """
    if read.dtype != TICK:
        raise ValueError("Cannot read ticks as %s: current type is %s" % (TICK, read.dtype))
    rows = np.array(read, order="C")
    rows["flags"] &= np.uint32(DOCUMENTED_FLAGS)
    last = rows["last"]
    last[(last == 0) & ((rows["flags"] & FLAG_LAST) == 0)] = np.nan
    return rows


def since(rows, server_ms):
    """The rows stamped at or after a server ms."""
    return rows[rows["time_msc"] >= server_ms]


def newest_ms(rows):
    return int(rows["time_msc"].max())


def after_last(rows, server_ms):
    """What stands after the last row of that stamp; nothing when there is none."""
    places = np.flatnonzero(rows["time_msc"] == server_ms)
    return rows[places[-1] + 1:] if len(places) > 0 else rows[:0]


def whole_seconds(rows):
    """Of a read that was cut off by its count: the rows before its last second, and that second."""
    second = int(rows["time_msc"][-1]) // 1000
    return rows[rows["time_msc"] < second * 1000], second


def beyond(read, known):
    """The rows of `read` that `known` does not hold, as multisets, in the order of `read`."""
    both = np.concatenate((known.view(_WHOLE_ROW), read.view(_WHOLE_ROW)))
    kinds = np.unique(both, return_inverse=True)[1].reshape(-1)
    held = np.bincount(kinds[:len(known)], minlength=int(kinds.max()) + 1)
    kinds = kinds[len(known):]
    # The how-manieth of its kind each row is: its place in its group of a stable sort.
    order = np.argsort(kinds, kind="stable")
    grouped = kinds[order]
    starts = np.searchsorted(grouped, grouped)
    nth = np.empty(len(kinds), dtype=np.int64)
    nth[order] = np.arange(len(kinds)) - starts
    return read[nth >= held[kinds]]


class TickWindow:
    """The ticks of one symbol, from a server second on, that were delivered.

    They are a multiset of whole rows, because a terminal may return equal milliseconds in another
    order and two real ticks may be alike. A row that a later read lacks stays known: a terminal
    that is loading history may take it away and bring it again.
    """

    def __init__(self, from_s, rows):
        self.from_s = from_s
        self._rows = since(rows, from_s * 1000)

    def __len__(self):
        return len(self._rows)

    @property
    def newest_ms(self):
        return newest_ms(self._rows) if len(self._rows) > 0 else None

    def take(self, read, read_from_s):
        """The rows of a read that are new, in its order; from now on they are known.

        `read` is everything that the vendor has from `read_from_s` on, up to some second or the
        present. What lies before the window is nobody's news.
        """
        known, earlier = self._rows, None
        if read_from_s < self.from_s:
            read = since(read, self.from_s * 1000)
        elif read_from_s > self.from_s:
            is_earlier = known["time_msc"] < read_from_s * 1000
            if is_earlier.any():
                known, earlier = known[~is_earlier], known[is_earlier]
        count = len(known)
        if count == 0 or (len(read) >= count and read[:count].tobytes() == known.tobytes()):
            new, rows = read[count:], read
        elif len(read) == 0:
            new, rows = read, known
        else:
            new = beyond(read, known)
            vanished = beyond(known, read)
            rows = np.concatenate((read, vanished)) if len(vanished) > 0 else read
        self._rows = rows if earlier is None else np.concatenate((earlier, rows))
        return new

    def advance(self, from_s):
        """Forgets what is stamped before a server second; never goes back."""
        if from_s > self.from_s:
            self.from_s = from_s
            self._rows = since(self._rows, from_s * 1000)
