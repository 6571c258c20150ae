"""The connection to one MetaTrader 5 terminal: the only file that calls its package.

Calls never raise for a vendor's failure, they return None or False and leave a code that the next
call overwrites; here a failure is an exception that carries it. Dates are whole seconds on the
server's clock in both directions. Nothing here can place, change or close an order.
"""

import time

from mt5_ticks import clean

SUCCESS = 1
AUTH_FAILED = -6
INVALID_VERSION = -5
# The connection to the terminal itself is gone: only a new one helps.
_CONNECTION_CODES = range(-10005, -9999)


class CallFailed(Exception):
    """One call failed; the connection stands."""

    def __init__(self, what, code, text):
        Exception.__init__(self, "Cannot %s: current error is %d (%s)" % (what, code, text))
        self.code = code


class ConnectionGone(CallFailed):
    """The terminal cannot be reached any more."""


class LoginRefused(CallFailed):
    """The broker's server does not take the login or the password."""


class Terminal:
    def __init__(self, mt5, settings):
        self._mt5 = mt5
        self._settings = settings

    def open(self):
        """Starts or finds the terminal and logs in; returns the account, the only proof of it."""
        mt5, settings = self._mt5, self._settings
        path = (settings.terminal,) if settings.terminal else ()
        named = {
            "login": settings.login, "password": settings.password, "server": settings.server,
            "timeout": settings.timeoutMs,
        }
        if settings.portable:
            named["portable"] = True
        # A terminal that runs already may accept the start and refuse the account, or the reverse.
        self._expect("start the terminal", mt5.initialize(*path, **named))
        try:
            accepted = mt5.login(settings.login, password=settings.password,
                                 server=settings.server, timeout=settings.timeoutMs)
        except Exception:
            accepted = False
        self._expect("log in", accepted)
        account = self.account()
        if account.login != settings.login:
            raise LoginRefused("log in as the configured account", SUCCESS,
                               "the terminal shows another account")
        return account

    def shutdown(self):
        self._mt5.shutdown()

    def account(self):
        return self._expect("read the account", self._mt5.account_info())

    def info(self):
        return self._expect("read the terminal's state", self._mt5.terminal_info())

    def facts(self):
        """What the terminal says of itself, without names, paths and logins."""
        info = self.info()
        version = self._mt5.version()
        return {
            "build": info.build,
            "built": str(version[2]) if version else "",
            "package": str(getattr(self._mt5, "__version__", "")),
            "company": info.company,
            "connected": bool(info.connected),
            "maxbars": info.maxbars,
            "ping_last": info.ping_last,
        }

    def symbols(self):
        return self._expect("list the symbols", self._mt5.symbols_get())

    def knows(self, raw_name):
        return self._or_none(self._mt5.symbol_info(raw_name)) is not None

    def select(self, raw_name):
        """Shows the symbol in the market watch, without which it has no history; False: refused."""
        return bool(self._or_none(self._mt5.symbol_select(raw_name, True)))

    def quote(self, raw_name):
        """The latest tick that the terminal shows, or None while it has none."""
        quote = self._or_none(self._mt5.symbol_info_tick(raw_name))
        return quote if quote is not None and quote.time > 0 else None

    def ticks(self, raw_name, from_s, count):
        """At most `count` ticks from a server second on, oldest first.

        An array that comes with an error beside it is not to be relied on: that raises as well.
        """
        read = self._mt5.copy_ticks_from(raw_name, from_s, count, self._mt5.COPY_TICKS_ALL)
        what = "read ticks of %s from second %d" % (raw_name, from_s)
        self._expect(what, read)
        code, text = self._mt5.last_error()
        if code != SUCCESS:
            raise self._failure(what, code, text)
        try:
            return clean(read)
        except ValueError as error:
            raise CallFailed(what, SUCCESS, str(error))

    def bars_in(self, raw_name, timeframe, from_s, to_s):
        """Bars whose open lies in [from_s, to_s], oldest first."""
        read = self._mt5.copy_rates_range(raw_name, timeframe, from_s, to_s)
        return self._expect("read bars of %s from second %d" % (raw_name, from_s), read)

    def latest_bars(self, raw_name, timeframe, count):
        """The newest bars, the last of which is forming."""
        read = self._mt5.copy_rates_from_pos(raw_name, timeframe, 0, count)
        return self._expect("read the latest bars of %s" % raw_name, read)

    def _expect(self, what, result):
        if result is None or result is False:
            raise self._failure(what, *self._mt5.last_error())
        return result

    def _or_none(self, result):
        if result is None or result is False:
            code, text = self._mt5.last_error()
            if code in _CONNECTION_CODES:
                raise ConnectionGone("reach the terminal", code, text)
        return result

    @staticmethod
    def _failure(what, code, text):
        if code in _CONNECTION_CODES:
            return ConnectionGone(what, code, text)
        return (LoginRefused if code == AUTH_FAILED else CallFailed)(what, code, text)


def reopen(terminal, settings, raw_names, beat):
    """Connects anew and selects the symbols again; False when that does not help either."""
    for attempt in range(settings.reopenTries):
        if attempt > 0:
            time.sleep(settings.reopenPauseMs / 1000)
        beat()
        try:
            terminal.shutdown()
            terminal.open()
            for raw_name in raw_names:
                terminal.select(raw_name)
            return True
        except CallFailed:
            continue
    return False
