"""A MetaTrader5 package without a terminal, for tests: what it does is scripted by a JSON file.

The environment's FAKE_MT5 names the file; ../README.md describes it. The vendor's bad habits are
kept on purpose.
"""

import json
import os
import sys
import time
from collections import namedtuple

import numpy as np

from ._faults import Faults, forwards_no_names
from ._market import RATE, TICK, Clock, Series, Zone, bars_of
from ._structs import AccountInfo, SymbolInfo, TerminalInfo, filled

__version__ = "5.0.5430"
COPY_TICKS_ALL, COPY_TICKS_INFO, COPY_TICKS_TRADE = -1, 1, 2
Tick = namedtuple("Tick", TICK.names)

_ERRORS = {
    1: "Success", -1: "Terminal: Call failed", -2: "Terminal: Invalid params", -3: "No memory",
    -4: "Terminal: Not found", -5: "Terminal: Invalid version",
    -6: "Terminal: Authorization failed", -7: "Unsupported", -8: "AutoTrading disabled",
    -10000: "Internal fail", -10001: "IPC send failed", -10002: "IPC receive failed",
    -10003: "IPC initialize failed", -10004: "No IPC connection", -10005: "IPC timeout",
}
_LENGTHS = {0x4000 | hours: hours * 3600 for hours in (1, 2, 3, 4, 6, 8, 12, 24)}
_LENGTHS.update({minutes: minutes * 60 for minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)})
_LENGTHS.update({0x8001: 7 * 86400, 0xC001: "month"})
_YEAR_S = 366 * 86400


class _Terminal:
    def __init__(self, script):
        self.script = script
        self.clock = Clock(script)
        self.zone = Zone(script)
        self.faults = Faults(script)
        self.outages = script.get("outages", [])
        self.series = {name: Series(symbol, self.zone, self.outages)
                       for name, symbol in script.get("symbols", {}).items()}
        self.running = self.logged_in = False
        self.error = (1, "Success")
        self.random = np.random.default_rng(script.get("reorderSeed", 0))
        self.spent = 0.0

    def fail(self, code, result=None):
        self.error = (code, _ERRORS[code])
        return result

    def is_connected(self):
        now = self.clock.now_ms()
        return not any(one["fromUtcMs"] <= now < one["toUtcMs"] for one in self.outages)


with open(os.environ["FAKE_MT5"], encoding="utf-8") as _file:
    _terminal = _Terminal(json.load(_file))


def _vendor(failure=None, needs_login=True):
    """The vendor's manners around a call: the error left behind, faults, no empty keywords."""
    def around(call):
        name = call.__name__

        def function(*args, **named):
            start = time.perf_counter()
            terminal = _terminal
            try:
                terminal.error = (1, "Success")
                if not named and forwards_no_names(sys._getframe(1)):
                    terminal.error = (-2, "Unnamed arguments not allowed")
                    return failure
                fault = terminal.faults.of(name, args[0] if args else None)
                if fault is not None and fault["kind"] == "none":
                    if fault["code"] <= -10000:
                        terminal.running = terminal.logged_in = False
                    return terminal.fail(fault["code"], failure)
                if needs_login and not terminal.running:
                    return terminal.fail(-10004, failure)
                if needs_login and not terminal.logged_in and name != "terminal_info":
                    return terminal.fail(-6, failure)
                result = call(*args, **named)
                if fault is not None and fault["kind"] == "provisional":
                    terminal.error = (fault["code"], _ERRORS[fault["code"]])
                    return result[:fault.get("rows", 0)]
                return result
            finally:
                terminal.spent += time.perf_counter() - start
        function.__name__ = name
        return function
    return around


def last_error():
    return _terminal.error


@_vendor(failure=False, needs_login=False)
def initialize(path="", /, *, login=0, password="", server="", timeout=60000, portable=False):
    _terminal.running = True
    # True proves nothing: with a wrong account the terminal is there all the same.
    _terminal.logged_in = _is_account(login, password, server)
    return True


@_vendor(failure=False, needs_login=False)
def login(login, /, password=None, server=None, timeout=60000):
    _terminal.logged_in = _is_account(login, password, server)
    return True if _terminal.logged_in else _terminal.fail(-6, False)


def _is_account(login, password, server):
    account = _terminal.script["account"]
    return (login, password, server) == (account["login"], account["password"], account["server"])


@_vendor(needs_login=False)
def shutdown():
    _terminal.running = _terminal.logged_in = False
    if "report" in _terminal.script:
        with open(_terminal.script["report"], "w", encoding="utf-8") as file:
            json.dump({"calls": _terminal.faults.calls, "seconds": _terminal.spent}, file)


@_vendor(needs_login=False)
def version():
    return (500, 5430, "13 Nov 2026")


@_vendor()
def terminal_info():
    return filled(TerminalInfo, {
        "connected": _terminal.is_connected(), "build": 5430,
        "maxbars": _terminal.script.get("maxbars", 100000), "ping_last": 31000,
        "company": "Fake Markets Ltd", "name": "Fake", "path": "C:\\Fake",
        "data_path": "C:\\Users\\somebody\\Fake",
    })


@_vendor()
def account_info():
    account = _terminal.script["account"]
    return filled(AccountInfo, {
        "login": account["login"], "server": account["server"], "name": "Some Body",
        "currency": account.get("currency", "USD"), "company": "Fake Markets Ltd",
    })


@_vendor()
def symbols_total():
    return len(_terminal.series)


@_vendor()
def symbols_get(group=None, /):
    """Masks from left to right, `*` at the ends alone, `!` takes away."""
    chosen = set() if group else set(_terminal.series)
    for mask in (group or "").split(","):
        wanted, without = mask.strip().lstrip("!"), mask.strip().startswith("!")
        if wanted:
            matching = {name for name in _terminal.series if _matches(name, wanted)}
            chosen = chosen - matching if without else chosen | matching
    return tuple(_info(name) for name in _terminal.series if name in chosen)


def _matches(name, mask):
    core = mask.strip("*")
    if mask.startswith("*"):
        return core in name if mask.endswith("*") else name.endswith(core)
    return name.startswith(core) if mask.endswith("*") else name == core


@_vendor()
def symbol_info(symbol, /):
    return _info(symbol) if symbol in _terminal.series else _terminal.fail(-4)


def _info(symbol):
    script = _terminal.script["symbols"][symbol]
    return filled(SymbolInfo, dict({
        "name": symbol, "digits": 5, "point": 0.00001, "trade_contract_size": 100000.0,
        "visible": _terminal.series[symbol].selected, "select": _terminal.series[symbol].selected,
        "option_strike": float("nan"), "path": "Forex\\" + symbol,
    }, **script.get("info", {})))


@_vendor()
def symbol_info_tick(symbol, /):
    series = _terminal.series.get(symbol)
    if series is None or not series.selected:
        return _terminal.fail(-4)
    series.quotes += 1
    if series.quotes <= _terminal.script["symbols"][symbol].get("quoteless", 0):
        return Tick(0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0)
    shown = series.shown(_terminal.clock.now_ms())
    return Tick(*shown[-1].tolist()) if len(shown) > 0 else Tick(0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0)


@_vendor(failure=False)
def symbol_select(symbol, enable=True, /):
    series = _terminal.series.get(symbol)
    if series is None:
        return _terminal.fail(-1, False)
    if enable and not series.selected:
        series.reads = series.quotes = 0
    series.selected = enable
    return True


@_vendor()
def copy_ticks_from(symbol, date_from, count, flags, /):
    """Forward from a second on, oldest first."""
    _whole(date_from, count)
    series = _terminal.series.get(symbol)
    if series is None or not series.selected:
        return _terminal.fail(-4)
    if flags != COPY_TICKS_ALL or count < 1:
        return _terminal.fail(-2)
    rows = series.since(_terminal.clock.now_ms(), date_from)[:count]
    warm_up = _terminal.script["symbols"][symbol].get("warmUp")
    if warm_up is not None and series.reads < warm_up["reads"]:
        part = len(rows) * series.reads // warm_up["reads"]
        rows = rows[:part] if warm_up.get("keep") == "oldest" else rows[len(rows) - part:]
    series.reads += 1
    if "reorderSeed" in _terminal.script:
        return rows[np.lexsort((_terminal.random.random(len(rows)), rows["time_msc"]))]
    return rows.copy()


@_vendor()
def copy_rates_from_pos(symbol, timeframe, start_pos, count, /):
    _whole(start_pos, count)
    bars = _bars(symbol, timeframe)
    if bars is None or count >= _terminal.script.get("maxbars", 100000):
        return _terminal.fail(-1 if bars is None else -2)
    end = len(bars) - start_pos
    return bars[max(0, end - count):max(0, end)].copy()


@_vendor()
def copy_rates_range(symbol, timeframe, date_from, date_to, /):
    """Both ends inclusive."""
    _whole(date_from, date_to)
    bars = _bars(symbol, timeframe)
    if bars is None or date_to - date_from > _YEAR_S:
        return _terminal.fail(-1)
    length_s = _LENGTHS[timeframe]
    if length_s != "month" and (
            (date_to - date_from) // length_s >= _terminal.script.get("maxbars", 100000)):
        return _terminal.fail(-2)
    return bars[(bars["time"] >= date_from) & (bars["time"] <= date_to)].copy()


def _bars(symbol, timeframe):
    series = _terminal.series.get(symbol)
    if series is None or not series.selected or timeframe not in _LENGTHS:
        return None
    shown = series.shown(_terminal.clock.now_ms())
    bars = bars_of(shown, _LENGTHS[timeframe])
    warm_up = _terminal.script["symbols"][symbol].get("warmUp")
    series.reads += 1
    if warm_up is not None and series.reads <= warm_up["reads"]:
        return bars[len(bars) * (warm_up["reads"] - series.reads + 1) // (warm_up["reads"] + 1):]
    return bars


def _whole(*values):
    """Naive datetimes mean the host's zone on some machines and the server's on others."""
    for value in values:
        if type(value) is not int:
            raise TypeError("the fake terminal takes whole seconds alone, not %r" % (value,))
