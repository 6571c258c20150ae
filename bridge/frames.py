"""Frames between the bridge and a vendor driver, over the driver's stdin and stdout.

A frame is a u32 length of what follows, a u8 type and a payload, little-endian: control frames (1)
hold JSON, tick frames (2) a u32 stream, a u32 symbol index and packed 60-byte records. The messages
are described in `driver/driver_messages.ts`. Valid Python 3.7.
"""

import json
import os
import queue
import signal
import struct
import sys
import threading

CONTROL_FRAME = 1
TICKS_FRAME = 2
MAX_FRAME_BYTES = 1 << 20
TICK_BYTES = 60
LIVE_STREAM = 0
# One tick frame's share of the pipe, as on the socket.
MAX_TICKS_PER_FRAME = 4096

_HEADER = struct.Struct("<IB")
_TICKS_HEADER = struct.Struct("<IBII")


class FrameError(Exception):
    """The bridge sent what is no frame; nothing after it can be understood."""


class Frames:
    """The pipe to the bridge. `receive` and `send…` are for one thread, the driver's loop.

    A vendor's library that prints would tear the frames, so they go to a duplicate of stdout, and
    whatever is printed to stdout goes to stderr, which the bridge logs.
    """

    def __init__(self):
        # Ctrl-C reaches every process of a terminal: the bridge closes its drivers in good order.
        for name in ("SIGINT", "SIGBREAK"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), signal.SIG_IGN)
        self._out = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(2, 1)
        _set_binary(0)
        _set_binary(self._out.fileno())
        self._in = os.fdopen(os.dup(0), "rb")
        self._received = queue.Queue(maxsize=1024)
        # Called by the reading thread when there is something to receive.
        self.on_received = lambda: None
        # Windows cannot wait for a pipe with a time limit, so a thread reads it.
        threading.Thread(target=self._read, name="stdin", daemon=True).start()

    def receive(self, timeout_s):
        """The next request as a dict, or None when none came in time.

        Raises EOFError when the bridge is gone and FrameError when it sent no frame.
        """
        try:
            item = self._received.get(timeout=timeout_s) if timeout_s > 0 else self._received.get(
                block=False)
        except queue.Empty:
            return None
        if isinstance(item, BaseException):
            raise item
        return item

    def send(self, message):
        """Writes a control frame; waits while the bridge does not read."""
        payload = json.dumps(message, separators=(",", ":"), allow_nan=False).encode("utf-8")
        if 1 + len(payload) > MAX_FRAME_BYTES:
            raise FrameError("Cannot send a message as one frame: current length is %d bytes" %
                             len(payload))
        self._write(_HEADER.pack(1 + len(payload), CONTROL_FRAME) + payload)

    def send_ticks(self, stream, symbol_index, records):
        """Writes packed 60-byte records (any bytes-like object) as frames of ticks."""
        view = memoryview(records).cast("B")
        step = MAX_TICKS_PER_FRAME * TICK_BYTES
        for start in range(0, len(view), step):
            part = view[start:start + step]
            header = _TICKS_HEADER.pack(9 + len(part), TICKS_FRAME, stream, symbol_index)
            self._write(header + part)

    def _write(self, data):
        rest = memoryview(data)
        while len(rest) > 0:
            rest = rest[self._out.write(rest):]

    def _read(self):
        try:
            while True:
                self._received.put(self._read_control())
                self.on_received()
        except Exception as error:
            self._received.put(error)
            self.on_received()

    def _read_control(self):
        length, kind = _HEADER.unpack(self._exactly(_HEADER.size))
        if length < 1 or length > MAX_FRAME_BYTES or kind != CONTROL_FRAME:
            raise FrameError("Cannot read a control frame: current length is %d, type %d" %
                             (length, kind))
        try:
            return json.loads(self._exactly(length - 1).decode("utf-8"))
        except ValueError:
            raise FrameError("Cannot read a control frame as JSON")

    def _exactly(self, count):
        data = self._in.read(count)
        if len(data) < count:
            raise EOFError("the bridge closed the pipe")
        return data


def _set_binary(descriptor):
    if sys.platform == "win32":
        import msvcrt
        msvcrt.setmode(descriptor, os.O_BINARY)
