"""What the bridge tells the ForexConnect driver in `open`. Valid Python 3.7."""

DEFAULT_URL = "https://fxcorporate.com/Hosts.jsp"


class BadSetting(Exception):
    """A setting is missing or cannot be used; the message names it and holds no secret."""


class Settings:
    """Parsed once at the door; `redact` keeps the secrets out of all that the driver says."""

    def __init__(self, given):
        self.user = _text(given, "user")
        self.password = _text(given, "password")
        self.url = _text(given, "url", DEFAULT_URL)
        self.connection = _one_of(given, "connection", ("Demo", "Real"), "Demo")
        # For users with accounts in several databases. Never None: the package would pass it on.
        self.session_id = _text(given, "sessionId", "")
        self.pin = _text(given, "pin", "")
        # The package itself waits 30 s for the login and 30 s for the tables.
        self.login_timeout_s = _positive(given, "loginTimeoutMs", 75000) / 1000
        # A history call can wait for ever, using a whole core.
        self.history_timeout_s = _positive(given, "historyTimeoutMs", 60000) / 1000
        # FIRST_TICK opens a bar with its own first tick, as bars built from ticks do.
        self.open_price_mode = _one_of(given, "openPriceMode", ("FIRST_TICK", "PREVIOUS_CLOSE"),
                                       "FIRST_TICK")
        # Offers carry whole seconds: history is cut to the same, so that payloads agree.
        self.tick_resolution = _one_of(given, "tickResolution", ("s", "ms"), "s")
        self.memory_ms = _positive(given, "memoryMinutes", 15) * 60000
        # How long to leave a vendor alone that is not ready.
        self.closed_retry_ms = _positive(given, "closedRetryMs", 5000)
        # After so long the last tick of a second has arrived, live and in history.
        self.settle_s = _positive(given, "settleMs", 2000) / 1000
        # How long history may stay behind the offers before it is taken as it is.
        self.history_lag_s = _positive(given, "historyLagMs", 10000) / 1000
        self.max_queued_offers = _positive(given, "maxQueuedOffers", 100000)

    @property
    def resolution_ms(self):
        return 1000 if self.tick_resolution == "s" else 1

    def redact(self, text):
        """The text without the password, the PIN and the user's name."""
        for secret in (self.password, self.pin, self.user):
            if secret:
                text = text.replace(secret, "***")
        return text


def _text(given, name, default=None):
    value = given.get(name)
    if value is None or value == "":
        value = default
    if not isinstance(value, str):
        raise BadSetting("Cannot use the setting %s as text: current value is %s" %
                         (name, "missing" if value is None else "a " + type(value).__name__))
    return value


def _one_of(given, name, allowed, default):
    value = _text(given, name, default)
    if value not in allowed:
        raise BadSetting("Cannot use the setting %s as one of %s: current value is %s" %
                         (name, ", ".join(allowed), value))
    return value


def _positive(given, name, default):
    value = given.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise BadSetting("Cannot use the setting %s as a number above 0: current value is %s" %
                         (name, value))
    return value
