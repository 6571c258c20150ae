import { BridgeError } from "./bridge_error.ts";
import type { FrameSocket } from "./frame_socket.ts";
import { CONTROL_FRAME, type Frame } from "./frames.ts";
import { PROTOCOL_VERSION, readMessage, serverHello, serverWelcome } from "./messages.ts";
import { errorOf } from "./requests.ts";
import { isProof, newNonce, prove } from "./proof.ts";
import type { ServerZone, SessionStatus, SourceKind } from "./feed.ts";

/** What the bridge says of itself once both sides believe each other. */
export interface Welcome {
  readonly source: { name: string; kind: SourceKind; clock: ServerZone | "learned" };
  /** The session that was given. */
  readonly session: string;
  /** All of the bridge. */
  readonly sessions: readonly SessionStatus[];
}

/**
 * The collector's half of the handshake; with a token both sides prove that they know it.
 * @throws BridgeError that says why the two do not go together.
 */
export async function shakeHands(
  socket: FrameSocket,
  { token, session }: { token: string | undefined; session: string | undefined },
): Promise<Welcome> {
  const hello = readMessage(serverHello, await controlFrame(socket));
  if (hello.type === "error") throw errorOf(hello);
  if (hello.protocol !== PROTOCOL_VERSION) {
    throw new BridgeError(
      "version_mismatch",
      `Cannot speak with the bridge as protocol ${PROTOCOL_VERSION}: current version is ${hello.protocol}`,
    );
  }
  const nonces = { serverNonce: hello.nonce, clientNonce: newNonce() };
  const proof = token === undefined ? undefined : await prove({ ...nonces, token, role: "client" });
  socket.send({
    ...{ type: "hello", protocol: PROTOCOL_VERSION, nonce: nonces.clientNonce, proof },
    ...{ session, tellSessions: true },
  });
  const welcome = readMessage(serverWelcome, await controlFrame(socket));
  if (welcome.type === "error") throw errorOf(welcome);
  const proved = token === undefined || welcome.proof !== undefined &&
      await isProof(welcome.proof, { ...nonces, token, role: "server" });
  if (!proved) {
    throw new BridgeError("wrong_token", "The bridge did not show that it knows the token");
  }
  return welcomeOf(welcome, session);
}

/** A bridge of one source need not know sessions: what it has is its first, and always there. */
function welcomeOf(
  { source, session, sessions }: {
    source: Welcome["source"];
    session?: string | undefined;
    sessions?: SessionStatus[] | undefined;
  },
  wanted: string | undefined,
): Welcome {
  const vendor = source.name.split(":", 1)[0] ?? source.name;
  const given = session ?? vendor;
  if (wanted !== undefined && !wanted.startsWith("*") && wanted !== given) {
    throw new BridgeError(
      "unknown_session",
      `Cannot take ${wanted} from the bridge as a session: current session is ${given}`,
      { sessions },
    );
  }
  return {
    source,
    session: given,
    sessions: sessions ??
      [{ name: given, vendor, state: "connected", reason: "", sinceUtcMs: Date.now() }],
  };
}

async function controlFrame(socket: FrameSocket): Promise<Frame> {
  const frame = await socket.receiveOne();
  if (frame?.type === CONTROL_FRAME) return frame;
  throw frame === undefined
    ? new BridgeError("closed", "The bridge closed the connection during the handshake")
    : new BridgeError("unknown_frame", "The bridge sent ticks during the handshake");
}
