"""One login at FXCM through the `forexconnect` package, read-only. Valid Python 3.7.

All methods but `statuses` are for the thread of `forexconnect_calls.py`: each of them may wait for
the vendor's servers, and `get_history` for ever.
"""

import collections
import datetime
import os
import sys
import time

from forexconnect_inbox import name_of
from forexconnect_records import NOTHING, between, pack_history
from fx_week import is_weekend

_EPOCH = datetime.datetime(1970, 1, 1)
_UTC_EPOCH = _EPOCH.replace(tzinfo=datetime.timezone.utc)
_MILLISECOND = datetime.timedelta(milliseconds=1)

# Taken before the driver changes its folder.
_FOLDER = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

Offer = collections.namedtuple("Offer", "instrument offer_id status quote")


class Failure(Exception):
    """A call failed; `code` is one of `failed` in `driver/driver_messages.ts`."""

    def __init__(self, code, message):
        Exception.__init__(self, message)
        self.code = code


class NotReady(Exception):
    """The vendor's history is not ready yet: the same call may succeed later."""


class Session:
    """A connection from its login to its logout; never used again after it."""

    def __init__(self, settings, inbox):
        self._settings = settings
        self._inbox = inbox
        self._fx = None
        self._package = None
        self._listener = None

    def login(self):
        """Logs in and subscribes to the offers; returns (account, facts). Raises Failure."""
        self._package = package = _import_package()
        settings = self._settings
        self._fx = package.ForexConnect()
        try:
            self._fx.login(user_id=settings.user, password=settings.password, url=settings.url,
                           connection=settings.connection, session_id=settings.session_id,
                           pin=settings.pin, session_status_callback=self._inbox.on_status)
            offers = self._fx.get_table(package.ForexConnect.OFFERS)
            # By keyword: the package's order is added, deleted, changed. A refreshed table may add.
            self._listener = package.Common.subscribe_table_updates(
                offers, on_add_callback=self._inbox.on_offer,
                on_change_callback=self._inbox.on_offer)
            return self._account(), self._facts()
        except Failure:
            raise
        except Exception as error:
            raise Failure(*self._meaning_of_login_error(error))

    def check(self):
        """Raises Failure when the session is gone. While the package reconnects, it is not."""
        try:
            status = self._status_name()
        except Exception as error:
            raise self._failure(error)
        if status in ("DISCONNECTED", "DISCONNECTING", "SESSION_LOST", "UNKNOWN"):
            raise Failure("session", "FXCM's session is over: its status is %s" % status)

    def offers(self):
        """The offers by the instrument's name. Raises Failure."""
        try:
            table = self._fx.get_table(self._package.ForexConnect.OFFERS)
            return {row.instrument: Offer(row.instrument, row.offer_id, row.subscription_status,
                                          quote_of(row.time, row.bid, row.ask,
                                                   self._settings.resolution_ms))
                    for row in table}
        except Exception as error:
            raise self._failure(error)

    def symbols(self):
        """All offers with all their columns, as in `symbols`. Raises Failure."""
        try:
            table = self._fx.get_table(self._package.ForexConnect.OFFERS)
            columns = [column.id for column in table.columns]
            return [{"rawName": row.instrument, "digits": int(row.digits),
                     "fields": {column: _field(row[column]) for column in columns}}
                    for row in table]
        except Exception as error:
            raise self._failure(error)

    def ticks(self, raw_name, from_ms, to_ms=None):
        """History's ticks of `[from_ms, to_ms)`, to the present without `to_ms`, as records.

        Raises NotReady and Failure.
        """
        rows = self._history(raw_name, "t1", from_ms, to_ms)
        if rows is None:
            return NOTHING
        records = pack_history(rows, self._settings.resolution_ms)
        return between(records, from_ms, to_ms if to_ms is not None else 1 << 62)

    def bars(self, raw_name, code, from_ms, to_ms):
        """History's bars of `[from_ms, to_ms)` as (open ms, open, high, low, close, ticks) of bids.

        The one at the end may be forming. Raises NotReady and Failure.
        """
        mode = getattr(self._package.fxcorepy.O2GCandleOpenPriceMode,
                       self._settings.open_price_mode)
        rows = self._history(raw_name, code, from_ms, to_ms, candle_open_price_mode=mode)
        if rows is None:
            return []
        opens = rows["Date"].astype("M8[ms]").astype("i8")
        rows, opens = (part[(opens >= from_ms) & (opens < to_ms)] for part in (rows, opens))
        columns = [opens] + [rows[name] for name in
                             ("BidOpen", "BidHigh", "BidLow", "BidClose", "Volume")]
        return [list(bar) for bar in zip(*(column.tolist() for column in columns))]

    def logout(self):
        """Logs out; the package waits until the session is DISCONNECTED."""
        if self._fx is None:
            return
        if self._listener is not None:
            self._listener.unsubscribe()
        self._fx.logout()

    def _history(self, raw_name, code, from_ms, to_ms, **options):
        """Rows, or None when there are none."""
        try:
            return self._fx.get_history(raw_name, code, _utc(from_ms),
                                        None if to_ms is None else _utc(to_ms), **options)
        except Exception as error:
            text = str(error)
            if "unsupported scope" in text:
                return None
            if "is not ready" in text:
                raise NotReady(text)
            raise self._failure(error)

    def _failure(self, error):
        text = self._settings.redact("%s: %s" % (type(error).__name__, error))
        gone = "Session is not valid" in text or type(error).__name__ == "TableManagerError"
        return Failure("session" if gone else "vendor", text)

    def _meaning_of_login_error(self, error):
        text = self._settings.redact(str(error) or type(error).__name__)
        lower = text.lower()
        if any(word in lower for word in _REFUSED):
            hint = " At the weekend and right after it FXCM says so of right ones, too."
            return "login", "FXCM refused the login: %s. Check user, password and connection " \
                "(Demo or Real).%s" % (text, hint if is_weekend(int(time.time() * 1000)) else "")
        if any(word in lower for word in _CLOSED) or is_weekend(int(time.time() * 1000)):
            return "closed", "FXCM is closed: %s" % text
        return "session", "Cannot log in at FXCM: %s" % text

    def _status_name(self):
        return name_of(self._fx.session.session_status)

    def _account(self):
        for row in self._fx.get_table(self._package.ForexConnect.ACCOUNTS):
            return {"id": str(row.account_id), "currency": str(getattr(row, "base_currency", ""))}
        return {"id": "", "currency": ""}

    def _facts(self):
        settings = self._settings
        return {
            "python": "%d.%d.%d" % sys.version_info[:3],
            "package": str(getattr(self._package, "__version__", "unknown")),
            "connection": settings.connection,
            "openPriceMode": settings.open_price_mode,
            "tickResolution": settings.tick_resolution,
            "barPrices": "bid",
            "sessionStatus": self._status_name(),
        }


# What FXCM's servers say of a user whom they do not let in.
_REFUSED = ("incorrect user", "invalid user", "wrong user", "user name or password",
            "login or password", "ora-20112", "access denied", "ora-20003",
            "user or connection doesn't exist")
_CLOSED = ("market is closed", "market closed", "maintenance")


def quote_of(moment, bid, ask, resolution_ms):
    """(server ms, bid, ask) of an offer's columns, or None while it has no price or no time.

    A time that was never set is that of day 0, in 1899.
    """
    if moment is None or moment.year < 1970:
        return None
    if bid is None or ask is None or bid != bid or ask != ask:
        return None
    epoch = _EPOCH if moment.tzinfo is None else _UTC_EPOCH
    server_ms = (moment - epoch) // _MILLISECOND
    return server_ms - server_ms % resolution_ms, float(bid), float(ask)


def _utc(ms):
    return _UTC_EPOCH + datetime.timedelta(milliseconds=ms)


def _field(value):
    """A JSON value of a column."""
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else None
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return str(value)


def _import_package():
    """The vendor's package. This driver has its name, so its folder must not be searched."""
    path = list(sys.path)
    sys.path[:] = [entry for entry in path if os.path.abspath(entry) != _FOLDER]
    try:
        import forexconnect
        return forexconnect
    except ImportError as error:
        raise Failure("unusable", _why_not(error))
    finally:
        sys.path[:] = path


def _why_not(error):
    version = "%d.%d" % sys.version_info[:2]
    if (3, 5) <= sys.version_info[:2] <= (3, 7):
        return "The package forexconnect cannot be used (%s). Run: \"%s\" -m pip install " \
            "forexconnect" % (error, sys.executable)
    return "The package forexconnect exists for Python 3.5 to 3.7 only, and this is Python %s " \
        "without it. Install Python 3.7 (64-bit), run \"pip install forexconnect\" with it, and " \
        "name it as the session's Python" % version
