"""A driver without a vendor: does what its settings say, well or badly. Valid Python 3.7.

Its market is exact, so that a reader can tell what it must have got: tick `i` of every symbol is
stamped `first_ms + i * step_ms` and bids `i`. `history` ticks are there at the start; the market
grows to `total`, in steps and at moments drawn from `seed`.
"""

import os
import random
import struct
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "bridge"))
from frames import LIVE_STREAM, Frames  # noqa: E402

RECORD = struct.Struct("<qdddQqId")
FOREVER_S = 3600
POLL_S = 0.002


class DeafFrames(Frames):
    """Reads one request, and nothing after it."""

    def _read(self):
        self._received.put(self._read_control())
        time.sleep(FOREVER_S)


class Market:
    """Every symbol has the same number of ticks at every moment."""

    def __init__(self, settings):
        self.first_ms = settings.get("first_ms", 1700000000000)
        self.step_ms = settings.get("step_ms", 137)
        self.total = settings.get("total", 0)
        self.count = settings.get("history", 0)

    def records(self, start, end):
        return b"".join(self._record(index) for index in range(start, end))

    def stamp(self, index):
        return self.first_ms + index * self.step_ms

    def at_or_after(self, server_ms):
        return max(0, -((self.first_ms - server_ms) // self.step_ms))

    def _record(self, index):
        stamp = self.stamp(index)
        nan = float("nan")
        return RECORD.pack(stamp // 1000, float(index), index + 0.5, nan, 0, stamp, 6, nan)


class Driver:
    def __init__(self, frames, settings):
        self.frames = frames
        self.settings = settings
        self.fault = settings.get("fault", "")
        self.market = Market(settings)
        self.random = random.Random(settings.get("seed", 1))
        self.symbols = settings.get("symbols", ["EURUSDm", "GBPUSDm"])
        self.watched = {}
        self.sent = {}
        self.next_beat = 0.0
        self.next_present = 0.0
        self.newest = None
        self.waits = settings.get("waits", 0)
        self.failures = settings.get("failures", 0)

    def run(self):
        while True:
            request = self.frames.receive(POLL_S)
            if request is not None and not self.answer(request):
                return
            if self.random.random() < 0.3:
                self.market.count = min(
                    self.market.total, self.market.count + self.random.randint(0, 40))
            if self.random.random() < 0.7:
                self.poll()
            self.beat()

    def poll(self):
        for name in list(self.watched):
            self.flush(name, self.market.count)

    def flush(self, name, end):
        """Sends live ticks up to `end`, in frames of any size."""
        while self.sent[name] < end:
            start = self.sent[name]
            part_end = min(end, start + self.random.randint(1, 50))
            records = self.market.records(start, part_end)
            self.frames.send_ticks(LIVE_STREAM, self.watched[name], records)
            self.sent[name] = part_end
            self.newest = max(self.newest or 0, self.market.stamp(part_end - 1))

    def beat(self):
        now = time.monotonic()
        if now >= self.next_beat:
            self.next_beat = now + self.settings.get("beat_s", 0.02)
            self.frames.send({"type": "beat"})
        if self.watched and now >= self.next_present:
            self.next_present = now + self.settings.get("present_s", 0.02)
            # What the vendor has now was not sent yet, so it is not promised.
            self.poll()
            now_ms = int(time.time() * 1000)
            self.frames.send({"type": "present", "nowUtcMs": now_ms, "watermarkUtcMs": now_ms,
                              "newestServerMs": self.newest})
            self.newest = None

    def answer(self, request):
        kind = request["type"]
        if kind == "close":
            if self.fault == "stubborn":
                time.sleep(FOREVER_S)
            return False
        getattr(self, "on_" + kind)(request)
        return True

    def on_check(self, request):
        if self.fault:
            misbehave(self.fault, self.frames, request["id"])
        self.frames.send({"type": "checked", "id": request["id"]})

    def on_symbols(self, request):
        half = len(self.symbols) // 2
        for part, last in ((self.symbols[:half], False), (self.symbols[half:], True)):
            symbols = [{"rawName": name, "digits": 5, "fields": {"description": name}}
                       for name in part]
            self.frames.send({"type": "symbols", "id": request["id"], "symbols": symbols,
                              "last": last})

    def on_watch(self, request):
        names = [symbol["rawName"] for symbol in request["symbols"]]
        unknown = [name for name in names if name not in self.symbols]
        if unknown:
            self.fail(request, "not_found", "There is no symbol " + ", ".join(unknown))
            return
        for symbol in request["symbols"]:
            self.watched[symbol["rawName"]] = symbol["index"]
            self.sent[symbol["rawName"]] = self.market.count
        self.frames.send({"type": "watching", "id": request["id"]})

    def on_unwatch(self, request):
        for name, index in list(self.watched.items()):
            if index in request["indexes"]:
                del self.watched[name]

    def on_page(self, request):
        name = request["rawName"]
        if self.waits > 0:
            self.waits -= 1
            self.frames.send({"type": "page", "id": request["id"], "nextServerMs": None,
                              "waitMs": 1})
            return
        if self.failures > 0:
            self.failures -= 1
            self.fail(request, "vendor", "Terminal: Call failed")
            return
        market = self.market
        if request["fromServerMs"] == "now":
            start = end = market.count
        else:
            start = min(market.at_or_after(request["fromServerMs"]), market.count)
            end = min(market.count, start + self.random.randint(20, 400))
        # A page ends between two seconds, unless it reaches the present.
        while start < end < market.count and (
                market.stamp(end) // 1000 == market.stamp(end - 1) // 1000):
            end += 1
        at = start
        while at < end:
            part = min(end, at + self.random.randint(1, 200))
            self.frames.send_ticks(request["id"], 0, market.records(at, part))
            at = part
        if end == market.count:
            # Whoever is live already needs what this page holds.
            self.flush(name, end)
        following = None if end == market.count else market.stamp(end) // 1000 * 1000
        self.frames.send({"type": "page", "id": request["id"], "nextServerMs": following})

    def on_bars(self, request):
        """Minutes of all ticks; the last, in which the market still is, is not finished."""
        bars = {}
        for index in range(self.market.count):
            minute = self.market.stamp(index) // 60000 * 60000
            bars.setdefault(minute, []).append(float(index))
        current = self.market.stamp(max(self.market.count - 1, 0)) // 60000 * 60000
        rows = [[minute, bids[0], max(bids), min(bids), bids[-1], len(bids)]
                for minute, bids in sorted(bars.items())
                if request["fromServerMs"] <= minute < request["toServerMs"] and minute < current]
        half = len(rows) // 2
        self.frames.send({"type": "bars", "id": request["id"], "bars": rows[:half], "last": False})
        self.frames.send({"type": "bars", "id": request["id"], "bars": rows[half:], "last": True})

    def fail(self, request, code, message):
        self.frames.send({"type": "failed", "id": request["id"], "code": code,
                          "message": message, "vendorCode": -1})


def misbehave(fault, frames, request_id):
    """What a driver may do to its bridge, at the moment of a request."""
    if fault == "crash":
        raise RuntimeError("the terminal is gone")
    if fault == "exit_zero":
        sys.exit(0)
    if fault == "segfault":
        os.abort()
    if fault == "hang":
        time.sleep(FOREVER_S)
    if fault == "unanswered":
        while True:
            frames.send({"type": "beat"})
            time.sleep(0.01)
    if fault == "flood":
        line = b"x" * 999 + b"\n"
        while True:
            os.write(2, line * 64)
    if fault == "flood_beats":
        while True:
            frames.send({"type": "beat"})
    if fault == "prints":
        print("an SDK prints to stdout", flush=True)
        os.write(1, b"and its C code does\n")
    if fault == "unknown_type":
        frames._write(struct.pack("<IB", 3, 9) + b"xx")
    if fault == "bad_json":
        frames._write(struct.pack("<IB", 5, 1) + b"{no}")
    if fault == "bad_message":
        frames.send({"type": "checked"})
    if fault == "huge_frame":
        frames._write(struct.pack("<IB", 1 << 30, 1))
    if fault == "half_frame":
        frames._write(struct.pack("<IB", 500, 1) + b'{"type"')
        os._exit(7)
    if fault == "closes_stdout":
        frames._out.close()
        time.sleep(FOREVER_S)
    if fault == "unknown_stream":
        frames.send_ticks(77, 0, bytes(60))
    if fault == "unknown_index":
        frames.send_ticks(LIVE_STREAM, 99, bytes(60))
    if fault == "other_answer":
        frames.send({"type": "checked", "id": request_id + 1})
    if fault == "wrong_answer":
        frames.send({"type": "watching", "id": request_id})
    if fault == "lost":
        frames.send({"type": "lost", "closed": False, "reason": "The terminal was closed"})
        time.sleep(0.05)
    if fault == "lost_closed":
        frames.send({"type": "lost", "closed": True, "reason": "The weekend's maintenance"})
        time.sleep(0.05)
    if fault == "session":
        frames.send({"type": "failed", "id": request_id, "code": "session",
                     "message": "No IPC connection", "vendorCode": -10004})
        time.sleep(0.05)
    if fault == "feed_down":
        frames.send({"type": "feed", "state": "down", "nowUtcMs": 1700000000000,
                     "reason": "no connection"})


def main():
    deaf = len(sys.argv) > 1 and sys.argv[1] == "deaf"
    frames = DeafFrames() if deaf or os.environ.get("SCRIPTED_DEAF") else Frames()
    request = frames.receive(30)
    settings = request["settings"]
    for line in settings.get("says", []):
        sys.stderr.write(line + "\n")
    sys.stderr.flush()
    if settings.get("open_fault") == "failed":
        frames.send({"type": "failed", "id": request["id"], "code": "login",
                     "message": "The server refused the password " + settings["password"]})
        frames.receive(30)
        return
    if settings.get("open_fault"):
        misbehave(settings["open_fault"], frames, request["id"])
    frames.send({
        "type": "opened",
        "id": request["id"],
        "server": "Test-Server",
        "clock": settings.get("clock", "learned"),
        "account": {"id": "1", "currency": "EUR"},
        "facts": {"build": 4000},
    })
    try:
        Driver(frames, settings).run()
    except EOFError:
        pass


if __name__ == "__main__":
    main()
