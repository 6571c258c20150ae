"""The part of `fxcorepy`, the compiled half of the package, that a read-only client touches."""

from enum import Enum


class _Shown(Enum):
    # The real enumerations are of Boost.Python: their text is the bare name.
    def __str__(self):
        return self.name


class O2GTableType(_Shown):
    OFFERS = 1
    ACCOUNTS = 2


class O2GCandleOpenPriceMode(_Shown):
    PREVIOUS_CLOSE = 0
    FIRST_TICK = 1


class AO2GSessionStatus(object):
    class O2GSessionStatus(_Shown):
        DISCONNECTED = 0
        CONNECTING = 1
        TRADING_SESSION_REQUESTED = 2
        CONNECTED = 3
        RECONNECTING = 4
        DISCONNECTING = 5
        SESSION_LOST = 6
        PRICE_SESSION_RECONNECTING = 7
        CONNECTED_WITH_NEED_TO_CHANGE_PASSWORD = 8
        CHART_SESSION_RECONNECTING = 9
        UNKNOWN = 10
