"""`ForexConnect`: the login, the statuses and the thread that moves the offers."""

import atexit
import os
import threading
import time

from . import market, tables
from .errors import LoginFailedError, TableManagerError
from .fxcorepy import AO2GSessionStatus, O2GCandleOpenPriceMode, O2GTableType
from .history import History

_Status = AO2GSessionStatus.O2GSessionStatus
_AWAY = (_Status.RECONNECTING, _Status.PRICE_SESSION_RECONNECTING, _Status.SESSION_LOST,
         _Status.DISCONNECTED)


class ForexConnect(object):
    OFFERS = O2GTableType.OFFERS
    ACCOUNTS = O2GTableType.ACCOUNTS

    def __init__(self):
        self._callback = None
        self._answered = threading.Event()
        self._is_connected = False
        self.session_status = _Status.DISCONNECTED
        scripted = market.SCRIPT.get("offers", [{"instrument": "EUR/USD"}])
        rows = [tables.offer_row(str(at + 1), offer) for at, offer in enumerate(scripted)]
        self._offers = tables.Table(list(tables.OFFER_NAMES), rows)
        self._accounts = tables.Table(["AccountID", "AccountName"], [tables.account_row()])
        self._series = {name: market.Series(path)
                        for name, path in market.SCRIPT.get("ticks", {}).items()}
        self._history = History(self._series)
        atexit.register(self._finalize)

    @property
    def session(self):
        return self

    def login(self, user_id, password, url="http://fxcorporate.com/Hosts.jsp", connection="Demo",
              session_id=None, pin=None, session_status_callback=None, use_table_manager=True,
              table_manager_callback=None):
        script = market.SCRIPT.get("login", {})
        self._callback = session_status_callback
        error = script.get("error")
        if password != script.get("password", password):
            error = "ORA-20112: Incorrect user name or password."
        threading.Thread(target=self._connect, args=(script, session_id, error),
                         daemon=True).start()
        # The package waits 30 s.
        if not self._answered.wait(script.get("waitMs", 30000) / 1000):
            raise LoginFailedError("Wait timeout exceeded")
        if not self._is_connected:
            raise LoginFailedError(error or "Not connected")
        if script.get("tables") == "TABLES_LOAD_FAILED":
            raise LoginFailedError("Table manager not ready")
        return self

    def _connect(self, script, session_id, error):
        if script.get("hang"):
            return
        for name in script.get("statuses", ["CONNECTING", "CONNECTED"]):
            status = _Status[name]
            if status == _Status.CONNECTED and error is not None:
                status = _Status.DISCONNECTED
            self._is_connected = status == _Status.CONNECTED
            if self._is_connected:
                self._show_all()
            self._tell(status)
            if status == _Status.TRADING_SESSION_REQUESTED and session_id == "":
                return  # The package answers for any other identifier, None included.
            if status in (_Status.CONNECTED, _Status.DISCONNECTED):
                self._answered.set()
        if self._is_connected:
            threading.Thread(target=self._run, daemon=True).start()

    def _tell(self, status):
        self.session_status = status
        if self._callback is not None:
            self._callback(self, status)

    def _run(self):
        """Moves the offers and plays the statuses, in the order of time."""
        statuses = list(market.SCRIPT.get("statuses", []))
        began_ms = self._shown_ms
        told = 0
        while self.session_status != _Status.DISCONNECTED:
            now_ms = market.now_ms()
            while statuses and began_ms + statuses[0]["afterMs"] <= now_ms:
                scripted = statuses.pop(0)
                status, at_ms = _Status[scripted["status"]], began_ms + scripted["afterMs"]
                was_away = self.session_status in _AWAY
                # Offers and statuses come on threads of their own: an offer may be told late.
                is_late = status in _AWAY and not was_away
                if not is_late:
                    self._move(at_ms)
                self._tell(status)
                if is_late:
                    self._move(at_ms, is_late)
                if was_away and self.session_status not in _AWAY:
                    # The tables are refreshed: rows show the newest price, and none before it.
                    self._shown_ms = market.now_ms()
                    self._show_all()
                    for row in self._offers:
                        self._changed(row)
            told += self._move(now_ms)
            if told >= market.SCRIPT.get("abortAfterOffers", 1 << 60):
                os.abort()
            time.sleep(0.001)

    def _move(self, to_ms, is_late=False):
        """Changes the offers as their ticks come; only the last of `conflateMs` is seen."""
        conflate_ms, told = market.SCRIPT.get("conflateMs", 0), 0
        if self.session_status in _AWAY and not is_late:
            self._shown_ms = to_ms
            return 0
        if to_ms - self._shown_ms < conflate_ms:
            return 0
        for row in self._offers:
            series = self._series.get(row.instrument)
            if series is None or row.subscription_status != "T":
                continue
            start, end = series.after(self._shown_ms), series.after(to_ms)
            if conflate_ms > 0:
                start = max(start, end - 1)
            for at in range(start, end):
                tables.show(row, series.ms[at], *series.prices[at])
                self._changed(row)
                told += 1
                if market.SCRIPT.get("otherColumnsChange", False):
                    row.volume += 1
                    self._changed(row)
        self._shown_ms = to_ms
        return told

    def _show_all(self):
        """Rows show the newest price, without a callback."""
        self._shown_ms = market.now_ms()
        for row in self._offers:
            series = self._series.get(row.instrument)
            at = 0 if series is None else series.after(self._shown_ms)
            if at > 0:
                tables.show(row, series.ms[at - 1], *series.prices[at - 1])

    def _changed(self, row):
        for listener in list(self._offers.listeners):
            if listener.on_change is not None:
                listener.on_change(listener, row.offer_id, row)

    def get_table(self, table_type):
        if market.SCRIPT.get("tablesFail", False):
            raise TableManagerError("Cannot refresh all tables of table manager")
        return self._offers if table_type == O2GTableType.OFFERS else self._accounts

    def get_history(self, instrument, timeframe, date_from=None, date_to=None, quotes_count=-1,
                    candle_open_price_mode=O2GCandleOpenPriceMode.PREVIOUS_CLOSE):
        return self._history.read(instrument, timeframe, date_from, date_to,
                                  candle_open_price_mode)

    def logout(self):
        if self.session_status == _Status.DISCONNECTED:
            return
        self._tell(_Status.DISCONNECTING)
        time.sleep(market.SCRIPT.get("logoutMs", 20) / 1000)
        self._tell(_Status.DISCONNECTED)

    def _finalize(self):
        # The real library crashes when the process ends before the session does.
        if self.session_status not in (_Status.DISCONNECTED, _Status.CONNECTING):
            os.abort()
