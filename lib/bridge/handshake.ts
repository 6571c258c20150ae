import { BridgeError, type BridgeErrorCode } from "./bridge_error.ts";
import type { FrameSocket } from "./frame_socket.ts";
import { CONTROL_FRAME, type Frame } from "./frames.ts";
import { PROTOCOL_VERSION, readMessage, serverHello, serverWelcome } from "./messages.ts";
import { isProof, newNonce, prove } from "./proof.ts";
import type { ServerZone, SourceKind } from "./feed.ts";

/**
 * The collector's half of the handshake; with a token both sides prove that they know it.
 * @throws BridgeError that says why the two do not go together.
 */
export async function shakeHands(
  socket: FrameSocket,
  token: string | undefined,
): Promise<{ name: string; kind: SourceKind; clock: ServerZone | "learned" }> {
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
  socket.send({ type: "hello", protocol: PROTOCOL_VERSION, nonce: nonces.clientNonce, proof });
  const welcome = readMessage(serverWelcome, await controlFrame(socket));
  if (welcome.type === "error") throw errorOf(welcome);
  if (token === undefined) return welcome.source;
  const proved = welcome.proof !== undefined &&
    await isProof(welcome.proof, { ...nonces, token, role: "server" });
  if (!proved) {
    throw new BridgeError("wrong_token", "The bridge did not show that it knows the token");
  }
  return welcome.source;
}

async function controlFrame(socket: FrameSocket): Promise<Frame> {
  const frame = await socket.receiveOne();
  if (frame?.type === CONTROL_FRAME) return frame;
  throw frame === undefined
    ? new BridgeError("closed", "The bridge closed the connection during the handshake")
    : new BridgeError("unknown_frame", "The bridge sent ticks during the handshake");
}

function errorOf({ code, message }: { code: string; message: string }): BridgeError {
  return new BridgeError(code as BridgeErrorCode, message);
}
