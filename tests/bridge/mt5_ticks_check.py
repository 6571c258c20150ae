"""Random reads against a window of delivered ticks, compared with counting; run by mt5_driver_test.ts.

The first argument is the folder of the driver. Ends with an error at the first seed that fails.
"""

import random
import sys
from collections import Counter

sys.path.insert(0, sys.argv[1])

import numpy as np  # noqa: E402
from mt5_ticks import TICK, TickWindow, beyond  # noqa: E402


def rows_of(ticks):
    rows = np.zeros(len(ticks), TICK)
    for row, (server_ms, price) in zip(rows, ticks):
        row["time_msc"], row["bid"], row["last"] = server_ms, price, np.nan
    return rows


def counted(rows):
    return Counter(row.tobytes() for row in rows)


def some_ticks(pick, count, from_ms, to_ms):
    return [(pick.randrange(from_ms, to_ms), pick.randrange(3)) for _ in range(count)]


def check_beyond(pick):
    known = rows_of(some_ticks(pick, pick.randrange(15), 0, 3000))
    read = rows_of(some_ticks(pick, pick.randrange(1, 15), 0, 3000))
    new = beyond(read, known)
    assert counted(new) == counted(read) - counted(known)
    places = [row.tobytes() for row in read]
    at = -1
    for row in new:
        at = places.index(row.tobytes(), at + 1)


def check_window(pick):
    """Ticks come late, are shuffled, vanish and come again; each is new once."""
    truth, delivered = [], Counter()
    window = TickWindow(0, rows_of([]))
    for step in range(9):
        truth += some_ticks(pick, pick.randrange(6), max(0, step * 700 - 1500), step * 700 + 1)
        is_last = step == 8
        shown = [tick for tick in truth if is_last or pick.random() > 0.1]
        shown.sort(key=(lambda _: pick.random()) if pick.random() < 0.5 else None)
        from_s = 0 if is_last else pick.choice([0, 0, 1, 2])
        read = rows_of([tick for tick in shown if tick[0] >= from_s * 1000])
        delivered += counted(window.take(read, from_s))
    assert delivered == counted(rows_of(truth))
    window.advance(3)
    kept = rows_of([tick for tick in truth if tick[0] >= 3000])
    assert len(window.take(rows_of(truth), 0)) == 0
    assert len(window) == len(kept)


for seed in range(500):
    try:
        check_beyond(random.Random(seed))
        check_window(random.Random(seed))
    except AssertionError as error:
        raise SystemExit("seed %d: %r" % (seed, error))
