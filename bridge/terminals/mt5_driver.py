"""The driver's loop: requests in order, and reads of the watched symbols in between.

One thread owns the connection, because the package is one connection a process and is not safe for
threads. A request waits behind one read at most, and twice a second behind the question whether the
terminal is connected; one that takes many calls itself (`symbols`, `bars`) is done piece by piece,
and the requests behind it wait.
"""

import collections
import math
import sys
import time

from mt5_bars import TIMEFRAMES, Bars
from mt5_pages import Pages
from mt5_poller import Overfull, utc_ms
from mt5_polling import Polling
from mt5_settings import Settings
from mt5_terminal import (INVALID_VERSION, CallFailed, ConnectionGone, LoginRefused, Terminal,
                          reopen)

# Twice as often as the bridge has to hear of it.
_ROUND_S = 0.5
# Requests that wait behind one of many calls; beyond these the pipe waits.
_MAX_WAITING = 1024
_SYMBOLS_PER_FRAME = 100
_SELECT_PAUSE_S = 0.2
# What says whose terminal and whose machine it is.
_PERSONAL = {"login", "name", "path", "data_path", "commondata_path", "mqid"}

_Job = collections.namedtuple("_Job", "request_id steps due")


class Refused(Exception):
    """What a request is answered with when it cannot be served."""

    def __init__(self, code, message, vendor_code=None):
        Exception.__init__(self, message)
        self.code = code
        self.vendor_code = vendor_code


class Driver:
    def __init__(self, frames, mt5):
        self._frames = frames
        self._mt5 = mt5
        # These are there once a session was opened.
        self._settings = None
        self._terminal = None
        self._polling = None
        self._pages = None
        self._bar_reads = None
        # Opened and not lost.
        self._is_open = False
        self._waiting = collections.deque()
        self._job = None
        # What was said last of a round that failed: it fails twice a second.
        self._complaint = ""
        self._next_round = time.monotonic()

    def run(self):
        """Until `close`. Raises EOFError at the end of stdin, FrameError when it is torn."""
        while True:
            pause_s = self._pause_s()
            if len(self._waiting) < _MAX_WAITING:
                request = self._frames.receive(pause_s)
                if request is not None:
                    if request["type"] == "close":
                        return
                    self._waiting.append(request)
            else:
                time.sleep(pause_s)
            if self._waiting and self._job is None:
                self._answer(self._waiting.popleft())
            self._step()

    def close(self):
        if self._terminal is not None:
            self._terminal.shutdown()

    def _pause_s(self):
        if self._waiting and self._job is None:
            return 0
        due = self._next_round
        if self._job is not None:
            due = min(due, self._job.due)
        if self._is_open:
            due = min(due, self._polling.next_due())
        return max(0, due - time.monotonic())

    def _step(self):
        """At most a round, a piece of a long request and one read."""
        now = time.monotonic()
        if now >= self._next_round:
            self._next_round = now + _ROUND_S
            self._beat()
            if self._is_open:
                self._keep_connected(self._polling.begin_round)
        if self._job is not None and now >= self._job.due:
            self._go_on(self._job)
        if self._is_open and now >= self._polling.next_due():
            self._keep_connected(self._polling.poll_next)

    def _beat(self):
        self._frames.send({"type": "beat"})

    def _keep_connected(self, call):
        try:
            call()
        except CallFailed as error:
            if isinstance(error, ConnectionGone):
                self._reopen(error)
            elif str(error) != self._complaint:
                self._complaint = str(error)
                print(error, file=sys.stderr, flush=True)

    def _reopen(self, error):
        """Whether the session goes on, on a new connection; what was missed is read again."""
        self._polling.set_feed(False, utc_ms(), str(error))
        if reopen(self._terminal, self._settings, self._polling.pollers, self._beat):
            return True
        self._is_open = False
        self._frames.send({"type": "lost", "closed": False, "reason": str(error)})
        return False

    def _answer(self, request):
        try:
            self._serve(request)
        except Refused as refusal:
            self._fail(request.get("id"), refusal)

    def _fail(self, request_id, refusal):
        if request_id is None:
            print(refusal, file=sys.stderr, flush=True)
            return
        message = {
            "type": "failed", "id": request_id, "code": refusal.code, "message": str(refusal),
        }
        if refusal.vendor_code is not None:
            message["vendorCode"] = refusal.vendor_code
        self._frames.send(message)

    def _serve(self, request):
        kind = request["type"]
        if kind == "open":
            self._open(request)
            return
        if not self._is_open:
            raise Refused("session", "Cannot answer %s: current state is not logged in" % kind)
        serve = {
            "check": self._check, "symbols": self._symbols, "watch": self._watch,
            "unwatch": self._unwatch, "page": self._page, "bars": self._bars,
        }.get(kind)
        if serve is None:
            raise Refused("bad_request", "Cannot answer a request: current type is %s" % kind)
        try:
            try:
                serve(request)
            except ConnectionGone as error:
                if not self._reopen(error):
                    raise
                serve(request)
        except (CallFailed, Overfull) as error:
            raise _refusal_of(error)

    def _open(self, request):
        if self._terminal is not None:
            raise Refused("bad_request", "Cannot open a session: current state is opened already")
        try:
            self._settings = Settings(request["settings"])
        except ValueError as error:
            raise Refused("bad_request", str(error))
        self._terminal = Terminal(self._mt5, self._settings)
        try:
            account = self._terminal.open()
            facts = self._terminal.facts()
        except CallFailed as error:
            self._terminal.shutdown()
            self._terminal = None
            raise _refusal_of(error)
        self._polling = Polling(self._terminal, self._settings, self._frames)
        self._pages = Pages(self._terminal, self._settings, self._frames)
        self._bar_reads = Bars(self._terminal, self._settings, self._frames)
        self._is_open = True
        facts["python"] = "%d.%d.%d" % sys.version_info[:3]
        self._frames.send({
            "type": "opened",
            "id": request["id"],
            "server": account.server,
            "clock": "learned",
            "account": {"id": str(account.login), "currency": account.currency},
            "facts": {name: _field(value) for name, value in facts.items()},
        })

    def _check(self, request):
        account, terminal = self._terminal.account(), self._terminal.info()
        self._frames.send({
            "type": "checked",
            "id": request["id"],
            "account": _without(account, _PERSONAL),
            "terminal": _without(terminal, _PERSONAL),
        })

    def _watch(self, request):
        self._select([symbol["rawName"] for symbol in request["symbols"]])
        for symbol in request["symbols"]:
            self._polling.watch(symbol["rawName"], symbol["index"])
        self._frames.send({"type": "watching", "id": request["id"]})

    def _select(self, names):
        """A symbol has history only while it is in the market watch."""
        refused = [name for name in names if not self._terminal.select(name)]
        for _ in range(1, self._settings.selectTries):
            if not refused:
                return
            # The error of an unknown symbol is that of one that is not ready.
            time.sleep(_SELECT_PAUSE_S)
            refused = [name for name in refused if not self._terminal.select(name)]
        unknown = [name for name in refused if not self._terminal.knows(name)]
        if unknown:
            raise Refused("not_found", "Cannot find symbols in the terminal: current names are %s" %
                          ", ".join(unknown))
        if refused:
            raise Refused("vendor", "Cannot select symbols in the terminal: current names are %s" %
                          ", ".join(refused))

    def _unwatch(self, request):
        self._polling.unwatch(request["indexes"])

    def _page(self, request):
        poller = self._polling.pollers.get(request["rawName"])
        if poller is None:
            raise Refused("not_found", "Cannot read a page of a symbol that is not watched: "
                          "current name is %s" % request["rawName"])
        self._pages.answer(request["id"], poller, request["fromServerMs"])

    def _symbols(self, request):
        self._start(request, self._send_symbols(request["id"], self._terminal.symbols()))

    def _send_symbols(self, request_id, symbols):
        for start in range(0, max(1, len(symbols)), _SYMBOLS_PER_FRAME):
            part = [info._asdict() for info in symbols[start:start + _SYMBOLS_PER_FRAME]]
            self._frames.send({
                "type": "symbols",
                "id": request_id,
                "symbols": [{
                    "rawName": fields["name"],
                    "digits": fields["digits"],
                    "fields": {name: _field(value) for name, value in fields.items()},
                } for fields in part],
                "last": start + _SYMBOLS_PER_FRAME >= len(symbols),
            })
            yield 0

    def _bars(self, request):
        if request["timeframe"] not in TIMEFRAMES:
            raise Refused("bad_request", "Cannot read bars of a timeframe among %s: current "
                          "timeframe is %s" % (", ".join(TIMEFRAMES), request["timeframe"]))
        self._select([request["rawName"]])
        self._start(request, self._bar_reads.answer(request, self._polling.newest_ms))

    def _start(self, request, steps):
        self._job = _Job(request["id"], steps, time.monotonic())

    def _go_on(self, job):
        """The next piece; each yields how many seconds to wait before the one after it."""
        self._job = None
        try:
            pause_s = next(job.steps)
        except StopIteration:
            return
        except CallFailed as error:
            refusal = _refusal_of(error)
            if isinstance(error, ConnectionGone) and self._reopen(error):
                refusal.code = "vendor"
            self._fail(job.request_id, refusal)
            return
        self._job = job._replace(due=time.monotonic() + pause_s)


def _refusal_of(error):
    """How a failure of the terminal is told to the bridge."""
    code = getattr(error, "code", None)
    if isinstance(error, ConnectionGone):
        return Refused("session", "%s. Is the terminal running, under this user, without a dialog "
                       "open?" % error, code)
    if isinstance(error, LoginRefused):
        return Refused("login", "%s. Check the login, the password and the server's name" % error,
                       code)
    if code == INVALID_VERSION:
        return Refused("unusable", "%s. Update the terminal and the package MetaTrader5" % error,
                       code)
    return Refused("vendor", str(error), code)


def _without(struct, names):
    """A vendor's named tuple as fields."""
    return {name: _field(value) for name, value in struct._asdict().items() if name not in names}


def _field(value):
    """A JSON scalar; null for what JSON cannot tell."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value)
