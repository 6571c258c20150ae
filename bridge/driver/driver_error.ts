import type { DriverMessage } from "./driver_messages.ts";

/**
 * Why a driver, or one request to it, failed. Those of `failed` in `driver_messages.ts`, and:
 * `missing` (there is nothing to start), `crashed` (the process ended by itself), `wedged` (no beat or
 * no answer within its limit), `flooded` (it says more than anybody can take), `bad_frames` (what it
 * says cannot be understood), `stopped_reading`, `busy` (too many requests are waiting: ask later),
 * `disposed` (this side ended it).
 */
export type DriverErrorCode =
  | Extract<DriverMessage, { type: "failed" }>["code"]
  | "missing"
  | "crashed"
  | "wedged"
  | "flooded"
  | "bad_frames"
  | "stopped_reading"
  | "busy"
  | "disposed";

/** The message is for a person, says what to do where that is known, and holds no secret. */
export class DriverError extends Error {
  override readonly name = "DriverError";
  readonly code: DriverErrorCode;
  /** The vendor's own number, where it gave one. */
  readonly vendorCode: number | undefined;

  constructor(
    code: DriverErrorCode,
    message: string,
    options?: { cause?: unknown; vendorCode?: number | undefined },
  ) {
    super(message, options);
    this.code = code;
    this.vendorCode = options?.vendorCode;
  }
}

/** How a driver's life ended. */
export interface DriverEnd {
  readonly code: DriverErrorCode;
  /** The vendor had announced it (weekend, maintenance): no failure. */
  readonly closed: boolean;
  /** For a person; no secret. */
  readonly reason: string;
}
