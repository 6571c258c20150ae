"""Calls into the vendor, one at a time, away from the driver's loop. Valid Python 3.7."""

import queue
import threading
import time


class Call:
    """One call: waiting, running since `started`, or done with a result or an error."""

    def __init__(self, name, limit_s, function):
        self.name = name
        self.limit_s = limit_s
        self.started = None
        self.done = False
        self.result = None
        self.error = None
        self._function = function

    def run(self):
        self.started = time.monotonic()
        try:
            self.result = self._function()
        except BaseException as error:  # The loop decides what an error means, whatever it is.
            self.error = error
        self.done = True

    def is_overdue(self, now):
        started = self.started
        return not self.done and started is not None and now - started > self.limit_s


class Calls:
    """A thread that makes the calls, in order. A call that hangs cannot be ended, only noticed.

    Nothing bounds the queue but its callers: one request at a time, and one healing a symbol.
    """

    def __init__(self, wake):
        self._wake = wake
        self._queue = queue.Queue()
        self._running = None
        threading.Thread(target=self._work, name="vendor", daemon=True).start()

    def start(self, name, limit_s, function):
        call = Call(name, limit_s, function)
        self._queue.put(call)
        return call

    def overdue(self, now):
        """The running call when it takes longer than its limit, else None."""
        call = self._running
        return call if call is not None and call.is_overdue(now) else None

    def is_idle(self):
        return self._running is None and self._queue.empty()

    def _work(self):
        while True:
            call = self._queue.get()
            self._running = call
            call.run()
            self._running = None
            self._wake.set()


class Task:
    """Steps that wait in between: a generator that yields a `Call` or a monotonic time.

    It goes on when the call is done, whose result is sent or whose error is thrown into it, or when
    that time has come.
    """

    def __init__(self, steps):
        self._steps = steps
        self._waits_for = None

    def advance(self, now):
        """Goes on as far as it can; True when it is over."""
        while True:
            waits_for = self._waits_for
            try:
                if isinstance(waits_for, Call):
                    if not waits_for.done:
                        return False
                    if waits_for.error is not None:
                        self._waits_for = self._steps.throw(waits_for.error)
                    else:
                        self._waits_for = self._steps.send(waits_for.result)
                else:
                    if waits_for is not None and now < waits_for:
                        return False
                    self._waits_for = self._steps.send(None)
            except StopIteration:
                return True
