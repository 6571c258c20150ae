"""The settings of `open`, checked. Names are those of the bridge's settings, numbers have units."""

# name: (least, default)
_NUMBERS = {
    # How long the terminal may take to start and to log in.
    "timeoutMs": (1, 60000),
    # A symbol whose ticks come is read this often; one that is quiet at least every maxPollMs.
    "pollMs": (1, 50),
    "maxPollMs": (1, 500),
    # After this long without a tick a symbol rests, after this long without any the market does.
    "closedAfterMs": (1, 180000),
    "closedPollMs": (1, 5000),
    # What is read again each time: how late a tick may come into the terminal's history.
    "overlapSeconds": (0, 2),
    "pageTicks": (2, 100000),
    "maxPageTicks": (2, 1600000),
    # History loads after it was first asked for: so many reads, so far apart, until two agree.
    "warmTries": (2, 6),
    "warmPauseMs": (0, 1200),
    # After an outage its ticks enter the history late: it is read again for so long.
    "healMs": (0, 60000),
    "selectTries": (1, 3),
    "reopenTries": (0, 1),
    "reopenPauseMs": (0, 1000),
}


class Settings:
    """Attributes are named as the settings are."""

    def __init__(self, given):
        self.login = _whole(given, "login", 1, None)
        self.password = _text(given, "password", secret=True)
        self.server = _text(given, "server")
        self.terminal = _text(given, "terminal") if given.get("terminal") else ""
        portable = given.get("portable", False)
        if not isinstance(portable, bool):
            raise _wrong("portable", "true or false", portable)
        self.portable = portable
        for name, (least, default) in _NUMBERS.items():
            setattr(self, name, _whole(given, name, least, default))
        self.barsPerCall = _whole(given, "barsPerCall", 1, 0)


def _whole(given, name, least, default):
    value = given.get(name)
    if value is None and default is not None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise _wrong(name, "a whole number of at least %d" % least, value)
    return value


def _text(given, name, secret=False):
    value = given.get(name)
    if not isinstance(value, str) or value == "":
        raise _wrong(name, "a text that is not empty", "not shown" if secret else value)
    return value


def _wrong(name, wanted, value):
    return ValueError("Cannot use %s as %s: current value is %s" % (name, wanted, value))
