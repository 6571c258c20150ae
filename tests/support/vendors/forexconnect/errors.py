"""The package's own exceptions: their text is in `msg`, and `args` are empty."""


class _Error(Exception):
    def __init__(self, error_text):
        Exception.__init__(self)
        self.msg = error_text

    def __str__(self):
        return self.msg


class LoginFailedError(_Error):
    pass


class TableManagerError(_Error):
    pass


class TimeFrameError(_Error):
    pass
