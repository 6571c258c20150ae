"""ForexConnect's ticks as the packed 60-byte records of `lib/market/tick.ts`. Valid Python 3.7."""

from collections import Counter

import numpy as np

RECORD = np.dtype([("time", "<i8"), ("bid", "<f8"), ("ask", "<f8"), ("last", "<f8"),
                   ("volume", "<u8"), ("server_ms", "<i8"), ("flags", "<u4"),
                   ("volume_real", "<f8")])
NOTHING = np.zeros(0, RECORD)

# BID and ASK: the vendor states both sides in every quote and never says which of them changed.
# What changed could be told only from the quote before, which live and history need not share
# (offers are conflated), and then one quote would have two payloads.
_FLAGS = 2 | 4
_PAYLOAD_FROM = 8


def pack(server_ms, bids, asks):
    """Records of equally long columns; last and volume are absent."""
    records = np.zeros(len(server_ms), RECORD)
    records["server_ms"] = server_ms
    records["time"] = records["server_ms"] // 1000
    records["bid"] = bids
    records["ask"] = asks
    records["last"] = np.nan
    records["volume_real"] = np.nan
    records["flags"] = _FLAGS
    return records


def pack_quotes(quotes):
    """Records of (server ms, bid, ask)."""
    return pack(*zip(*quotes)) if quotes else NOTHING


def pack_history(rows, resolution_ms):
    """Records of what `get_history` gives for `t1`, by time; equal times keep their order."""
    server_ms = rows["Date"].astype("M8[ms]").astype("i8")
    server_ms -= server_ms % resolution_ms
    records = pack(server_ms, rows["Bid"], rows["Ask"])
    if np.any(np.diff(server_ms) < 0):
        return records[np.argsort(server_ms, kind="mergesort")]
    return records


def between(records, from_ms, to_ms):
    """The records with `from_ms <= server ms < to_ms`."""
    stamps = records["server_ms"]
    return records[(stamps >= from_ms) & (stamps < to_ms)]


def goes_beyond(records, quote):
    """Whether history has a later second than that of a quote, which then is whole in it."""
    return len(records) > 0 and bool(records["server_ms"][-1] >= second_of(quote[0]) + 1000)


def has_quote(records, quote):
    """Whether history has a quote, or one that looks like it in the same second."""
    server_ms, bid, ask = quote
    return bool(np.any((records["server_ms"] == server_ms) & (records["bid"] == bid) &
                       (records["ask"] == ask)))


def join(parts):
    """All records of several arrays, in their order."""
    parts = [part for part in parts if len(part) > 0]
    return np.concatenate(parts) if parts else NOTHING


def payloads(records):
    """How often each payload occurs: the bytes that two deliveries of one tick have in common."""
    data, size = records.tobytes(), RECORD.itemsize
    return Counter(data[at + _PAYLOAD_FROM:at + size] for at in range(0, len(data), size))


def without(records, known):
    """The records that are left when those of `known`, a count of payloads, are taken away.

    A payload is taken away as often as it was counted, and the counts go down by what was taken.
    """
    if not known or len(records) == 0:
        return records
    data, size = records.tobytes(), RECORD.itemsize
    keep = np.ones(len(records), bool)
    for index in range(len(records)):
        payload = data[index * size + _PAYLOAD_FROM:(index + 1) * size]
        if known.get(payload, 0) > 0:
            known[payload] -= 1
            keep[index] = False
    return records[keep]


def second_of(server_ms):
    """The beginning of its second."""
    return int(server_ms) // 1000 * 1000
