import type { Socket } from "node:net";
import type { Bytes } from "./frames.ts";

/** Why a stream ends, and how a client should take it: see the README's table of close codes. */
export interface Farewell {
  readonly code: 1001 | 4001 | 4003 | 4008 | 4029;
  readonly reason: string;
}

/**
 * A client's connection as the fan-out sees it. Writes go straight to the TCP socket, in whole
 * frames or events: one write carries all that a client gets in a turn.
 */
export interface Wire {
  /** Bytes handed to `write` that the kernel has not taken yet. */
  readonly bufferedBytes: number;
  readonly open: boolean;
  /** Never throws, never blocks; does nothing once the wire is closed. */
  write(bytes: Bytes): void;
  /** Resolves when the buffer is empty or the wire is closed. */
  drained(): Promise<void>;
  /** Stops and resumes reading what the client sends. */
  pause(): void;
  resume(): void;
  /** Says farewell where the transport can, and destroys the socket soon after. */
  end(farewell: Farewell): void;
}

/** Resolves when the socket's buffer is empty or the socket is gone. */
export function drainOf(socket: Socket): Promise<void> {
  if (socket.destroyed || socket.writableLength === 0) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
