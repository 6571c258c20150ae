"""The loop of the ForexConnect driver. Valid Python 3.7.

The loop runs in the main thread and never calls the vendor: what it needs of FXCM runs in the
thread of `forexconnect_calls.py`, one call at a time and with a limit, so beats and live ticks go
on meanwhile. Requests are answered one at a time, in their order.
"""

import collections
import os
import shutil
import sys
import tempfile
import threading
import time

from forexconnect_answers import Answers, refusal
from forexconnect_calls import Calls, Task
from forexconnect_feed import Feed
from forexconnect_inbox import Inbox
from forexconnect_session import Session
from forexconnect_settings import Settings

_BEAT_S = 1
_PRESENT_S = 0.5
# Requests, live ticks and calls that are done wake the loop at once; a time that has come does not.
_IDLE_S = 0.02
_LOGOUT_S = 35
_MAX_WAITING = 64


class Driver:
    """One login, from `open` to the end of the process."""

    def __init__(self, frames):
        self._frames = frames
        self._wake = threading.Event()
        frames.on_received = self._wake.set
        self._calls = Calls(self._wake)
        self._waiting = collections.deque()
        self._answering = None
        self._closing = False
        self._session = None
        self._feed = None
        self._answers = None
        self._beat_at = 0
        self._present_at = 0
        # The vendor's package keeps its history in ./History.
        self._home, self._folder = os.getcwd(), tempfile.mkdtemp(prefix="arbitrex_fxcm_")
        os.chdir(self._folder)

    def run(self):
        """Until `close` or the end of stdin; returns the exit code."""
        try:
            while not self._closing:
                self._wake.wait(_IDLE_S)
                self._wake.clear()
                self._turn()
            self._log_out()
        except (EOFError, BrokenPipeError):
            self._log_out(beats=False)
        finally:
            self._tidy()
        return 0

    def _turn(self):
        now = time.monotonic()
        self._receive()
        hung = self._calls.overdue(now)
        if hung is not None:
            self._give_up(hung)
        if self._feed is not None:
            self._feed.turn(now)
        self._answer(now)
        self._beat(now)
        if self._feed is not None and now >= self._present_at:
            self._present_at = now + _PRESENT_S
            self._feed.present()

    def _receive(self):
        while len(self._waiting) < _MAX_WAITING:
            request = self._frames.receive(0)
            if request is None:
                return
            if request.get("type") == "close":
                self._closing = True
                return
            self._waiting.append(request)

    def _answer(self, now):
        while True:
            if self._answering is None:
                if not self._waiting:
                    return
                request = self._waiting.popleft()
                self._answering = Task(self._steps(request))
                self._request = request
            if not self._answering.advance(now):
                return
            self._answering = None

    def _steps(self, request):
        """Answers one request; a failure is an answer."""
        try:
            if request["type"] == "open":
                yield from self._open(request)
            elif self._answers is None:
                self._fail(request, "bad_request", "Cannot answer %s: current state is not open" %
                           request["type"])
            else:
                yield from self._answers.answer(request)
        except Exception as error:
            self._fail(request, *refusal(error))

    def _open(self, request):
        if self._session is not None:
            self._fail(request, "bad_request", "Cannot open twice")
            return
        settings = Settings(request["settings"])
        inbox = Inbox(settings.max_queued_offers, self._wake)
        session = self._session = Session(settings, inbox)
        feed = self._feed = Feed(self._frames, self._calls, session, inbox, settings)
        try:
            account, facts = yield self._calls.start("the login", settings.login_timeout_s,
                                                     session.login)
        except Exception:
            reason = feed.login_trouble()
            if reason is not None:
                self._fail(request, "login", reason)
                return
            raise
        self._answers = Answers(self._frames, self._calls, session, feed, settings)
        self._frames.send({"type": "opened", "id": request["id"], "clock": "utc",
                           "server": "FXCM-" + settings.connection, "account": account,
                           "facts": facts})
        feed.opened()

    def _fail(self, request, code, message):
        if "id" in request:
            self._frames.send({"type": "failed", "id": request["id"], "code": code,
                               "message": message})

    def _beat(self, now):
        if now >= self._beat_at:
            self._beat_at = now + _BEAT_S
            self._frames.send({"type": "beat"})

    def _give_up(self, call):
        """A call that hangs holds the vendor's thread for ever: only a new process can go on."""
        reason = "%s did not end within %g s" % (call.name, call.limit_s)
        if self._answering is not None:
            self._fail(self._request, "session", reason)
        self._frames.send({"type": "lost", "closed": False, "reason": reason})
        self._exit(3)

    def _log_out(self, beats=True):
        """Waits until the session is DISCONNECTED: a process that ends before that may crash."""
        if self._session is None:
            return
        until = time.monotonic() + _LOGOUT_S
        call = self._calls.start("the logout", _LOGOUT_S, self._session.logout)
        if self._feed is not None:
            self._feed.closing()
        while not call.done and time.monotonic() < until:
            self._wake.wait(_IDLE_S)
            self._wake.clear()
            if beats:
                self._beat(time.monotonic())
        if call.error is not None:
            print("The logout failed: %s" % type(call.error).__name__, file=sys.stderr)
        if not call.done:
            print("The logout did not end", file=sys.stderr)
            self._exit(0)

    def _tidy(self):
        os.chdir(self._home)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _exit(self, code):
        """Ends although the vendor's thread runs."""
        self._tidy()
        sys.stderr.flush()
        os._exit(code)
