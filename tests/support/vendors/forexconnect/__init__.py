"""A fake of FXCM's `forexconnect` package; see `../README.md`."""

from . import fxcorepy, market
from .errors import LoginFailedError, TableManagerError, TimeFrameError
from .session import ForexConnect
from .tables import Common

__version__ = "1.6.43"
__all__ = ["fxcorepy", "Common", "ForexConnect", "LoginFailedError", "TableManagerError",
           "TimeFrameError"]

market.set_process_clock()
# The real library prints, too; nothing of it may reach the frames on stdout.
print("ForexConnect is loaded")
