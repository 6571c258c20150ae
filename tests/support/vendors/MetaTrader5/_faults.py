"""Faults by schedule: at which call of which function something goes wrong, and how."""

import os
import signal
import sys
import time


class Faults:
    def __init__(self, script):
        self._faults = script.get("faults", [])
        self._calls = {}
        self._seen = [0] * len(self._faults)

    def of(self, function, symbol=None):
        """The code, text and kind of the fault that this call meets, or None."""
        self._calls[function] = self._calls.get(function, 0) + 1
        for nth, fault in enumerate(self._faults):
            if fault["fn"] != function or fault.get("symbol", symbol) != symbol:
                continue
            self._seen[nth] += 1
            if not fault.get("from", 1) <= self._seen[nth] <= fault.get("to", fault.get("from", 1)):
                continue
            if "marker" in fault and not _claim(fault["marker"]):
                continue
            _wreck(fault["kind"])
            return fault
        return None

    @property
    def calls(self):
        return self._calls


def _claim(marker):
    """True for the first process that asks: its fault does not befall the next one."""
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
        return True
    except FileExistsError:
        return False


def _wreck(kind):
    if kind == "hang":
        while True:
            time.sleep(3600)
    if kind == "abort":
        os.abort()
    if kind == "segv":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "print":
        print("the vendor's library says hello")


def forwards_no_names(frame):
    """Whether a call is written `fn(*a, **k)`: the vendor's functions fail when k is empty."""
    key = frame.f_code, frame.f_lasti
    if key not in _SEEN:
        import dis
        opcode, argument = frame.f_code.co_code[frame.f_lasti:frame.f_lasti + 2]
        _SEEN[key] = dis.opname[opcode] == "CALL_FUNCTION_EX" and bool(argument & 1)
    return _SEEN[key]


_SEEN = {}
assert sys.version_info >= (3, 9), "the fake terminal needs Python's zoneinfo"
