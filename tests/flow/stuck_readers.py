"""WebSocket clients that subscribe and never read again.

Arguments: the port, then what each client wants to happen when it is slow. The first line on stdout
holds their local ports as a JSON list; they stay until stdin is closed. A small receive buffer and
small segments, as over a bad line, keep the kernel from hiding for minutes that nobody reads.
"""

import base64
import json
import os
import socket
import sys

RECEIVE_BUFFER_BYTES = 4096
SEGMENT_BYTES = 536


def open_client(port: int, on_slow: str) -> socket.socket:
    client = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Both count only when they are set before the connection is made.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, SEGMENT_BYTES)
    client.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall(
        "GET /ws HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n"
        "connection: upgrade\r\nsec-websocket-version: 13\r\n"
        f"sec-websocket-key: {key}\r\n\r\n".encode()
    )
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        answer += client.recv(1)
    payload = json.dumps({"subscribe": "*", "on_slow": on_slow}).encode()
    # A mask of zeros leaves the payload as it is.
    client.sendall(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
    return client


clients = [open_client(int(sys.argv[1]), on_slow) for on_slow in sys.argv[2:]]
print(json.dumps([client.getsockname()[1] for client in clients]), flush=True)
sys.stdin.read()
