import { BridgeError } from "../lib/bridge/bridge_error.ts";
import type { FrameSocket } from "../lib/bridge/frame_socket.ts";
import { CONTROL_FRAME, type Frame, MAX_FRAME_BYTES } from "../lib/bridge/frames.ts";
import { MAX_HANDSHAKE_FRAME_BYTES } from "../lib/bridge/frames.ts";
import { clientHello, PROTOCOL_VERSION, readMessage } from "../lib/bridge/messages.ts";
import type { SessionStatus } from "../lib/bridge/feed.ts";
import { isProof, newNonce, prove } from "../lib/bridge/proof.ts";
import { pause } from "../lib/program/pause.ts";
import type { Sessions, SessionUse } from "./sessions.ts";

/** The collector that was believed, and the session it was given. */
export interface Guest {
  readonly use: SessionUse;
  /** How the sessions stood in the welcome, when it wants to be told of changes. */
  readonly told: readonly SessionStatus[] | undefined;
}

/**
 * The bridge's half of the handshake. The session is taken before the welcome is sent, and is the
 * caller's to dispose of. While its very first login is under way, which is so whenever the bridge and
 * its collector are started together, it is waited for, until `loginWaitMs` after the call.
 * @throws BridgeError that says why the two do not go together.
 */
export async function shakeHands(
  socket: FrameSocket,
  { token, sessions, loginWaitMs }: {
    token: string | undefined;
    sessions: Sessions;
    loginWaitMs: number;
  },
): Promise<Guest> {
  const loginUntilMs = performance.now() + loginWaitMs;
  socket.maxFrameBytes = MAX_HANDSHAKE_FRAME_BYTES;
  const serverNonce = newNonce();
  socket.send({ type: "hello", protocol: PROTOCOL_VERSION, nonce: serverNonce });
  const frame = await socket.receiveOne();
  if (frame === undefined) throw new BridgeError("closed", "The peer left before its hello");
  const hello = readMessage(clientHello, controlFrame(frame));
  if (hello.protocol !== PROTOCOL_VERSION) {
    throw new BridgeError(
      "version_mismatch",
      `Cannot speak with the peer as protocol ${PROTOCOL_VERSION}: current version is ${hello.protocol}`,
    );
  }
  const proof = token === undefined ? undefined : await checkProof(hello.proof, {
    ...{ token, serverNonce, clientNonce: hello.nonce },
  });
  await firstLogin(sessions.attempted(hello.session), loginUntilMs - performance.now());
  const use = sessions.take(hello.session);
  const { name, kind, clock } = use.source;
  const { statuses } = sessions;
  socket.send({
    ...{ type: "welcome", proof, source: { name, kind, clock } },
    ...{ session: use.name, sessions: statuses },
  });
  socket.maxFrameBytes = MAX_FRAME_BYTES;
  return { use, told: hello.tellSessions ? statuses : undefined };
}

async function firstLogin(attempted: Promise<void>, limitMs: number): Promise<void> {
  const over = new AbortController();
  await Promise.race([attempted, pause(limitMs, over.signal)]);
  over.abort();
}

/** @throws BridgeError for ticks, which only a bridge sends. */
export function controlFrame(frame: Frame): Frame {
  if (frame.type === CONTROL_FRAME) return frame;
  throw new BridgeError("unknown_frame", "A bridge takes control frames only");
}

/** The bridge's own proof in return. */
async function checkProof(
  proof: string | undefined,
  challenge: { token: string; serverNonce: string; clientNonce: string },
): Promise<string> {
  if (proof === undefined) {
    throw new BridgeError("unauthenticated", "This bridge wants a token: set BRIDGE_TOKEN");
  }
  if (!await isProof(proof, { ...challenge, role: "client" })) {
    throw new BridgeError("wrong_token", "The peer's token is not this bridge's");
  }
  return await prove({ ...challenge, role: "server" });
}
