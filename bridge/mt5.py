"""The driver of one MetaTrader 5 terminal: a child process that speaks `driver/driver_messages.ts`.

This file starts it, or says what is missing on this machine. Valid Python 3.6, so that an older
interpreter can say so too.
"""

import os
import sys
import traceback

from frames import FrameError, Frames

# Behind this folder, so that nothing there hides a package.
sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "terminals"))

_LEAST_PYTHON = (3, 8)


def main():
    frames = Frames()
    code = 0
    driver = None
    try:
        reason, package = _find_package()
        if package is None:
            _refuse(frames, reason)
        else:
            from mt5_driver import Driver
            driver = Driver(frames, package)
            driver.run()
    except (EOFError, BrokenPipeError):
        # The bridge is gone; there is nobody to tell.
        pass
    except FrameError as error:
        print(error, file=sys.stderr)
        code = 2
    except Exception:
        # Lines of code alone, no values: no setting is among them.
        traceback.print_exc()
        code = 1
    finally:
        if driver is not None:
            driver.close()
    sys.stderr.flush()
    # The thread that reads stdin may hold it, and Python's own end would wait or abort.
    os._exit(code)


def _find_package():
    """What a person must do, and the vendor's package; one of them is None."""
    if sys.version_info < _LEAST_PYTHON:
        return ("Cannot drive MetaTrader 5 with this Python: current version is %d.%d. Install "
                "64-bit Python 3.8 or later for Windows from python.org and name it in the "
                "bridge's settings" % sys.version_info[:2]), None
    try:
        import numpy  # noqa: F401
    except ImportError as error:
        return ("Cannot import numpy (%s). Run: \"%s\" -m pip install numpy" %
                (error, sys.executable)), None
    try:
        import MetaTrader5
    except ImportError as error:
        return ("Cannot import the package MetaTrader5 (%s). It exists for 64-bit Python on "
                "Windows alone, beside the terminal. Run there: \"%s\" -m pip install "
                "MetaTrader5" % (error, sys.executable)), None
    return None, MetaTrader5


def _refuse(frames, reason):
    """Answers all requests with why none can be served, until the bridge has done with it."""
    while True:
        request = frames.receive(1.0)
        if request is None:
            frames.send({"type": "beat"})
        elif request["type"] == "close":
            return
        elif "id" in request:
            frames.send({
                "type": "failed", "id": request["id"], "code": "unusable", "message": reason,
            })


if __name__ == "__main__":
    main()
