import { randomBytes } from "node:crypto";

/** What a WebSocket client writes, for tests that need the bare TCP socket under it. */

export function upgradeRequest(path = "/ws"): string {
  const key = randomBytes(16).toString("base64");
  return `GET ${path} HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n` +
    `connection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`;
}

/** A masked frame, whole; a mask of zeros leaves the payload as it is. */
export function clientFrame(opcode: "text" | "pong", payload: string | Uint8Array): Uint8Array {
  const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
  const first = opcode === "text" ? 0x81 : 0x8a, { length } = bytes;
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 0xff];
  return new Uint8Array([first, ...size, 0, 0, 0, 0, ...bytes]);
}
