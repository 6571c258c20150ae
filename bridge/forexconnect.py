"""The ForexConnect driver: one process, one login at FXCM, read-only.

It speaks `driver/driver_messages.ts` over the frames of `frames.py`. Valid Python 3.7.
"""

import os
import sys
import traceback

from frames import FrameError, Frames

sys.path.insert(1, os.path.join(os.path.dirname(os.path.abspath(__file__)), "terminals"))


def main():
    frames = Frames()
    try:
        try:
            from forexconnect_driver import Driver
        except ImportError as error:
            return refuse(frames, error)
        return Driver(frames).run()
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return 0
    except FrameError as error:
        print(error, file=sys.stderr)
        return 2
    except Exception:
        # Last words for the bridge's log; no setting is among a traceback's lines of code.
        traceback.print_exc()
        return 1


def refuse(frames, error):
    """Answers every request, for numpy is missing: nothing here works without it."""
    message = "numpy cannot be used (%s). Run: \"%s\" -m pip install numpy" % (error,
                                                                              sys.executable)
    while True:
        request = frames.receive(1)
        if request is None:
            frames.send({"type": "beat"})
        elif request.get("type") == "close":
            return 0
        elif "id" in request:
            frames.send({"type": "failed", "id": request["id"], "code": "unusable",
                         "message": message})


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # The thread that reads stdin may hold it, and Python's own end would wait or abort.
    os._exit(code)
