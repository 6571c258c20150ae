/**
 * Both sides show that they know the shared token without sending it: HMAC-SHA256 over the role and
 * both nonces. The role keeps a proof from being sent back to who made it.
 */
export type Role = "client" | "server";

export interface Challenge {
  readonly token: string;
  readonly role: Role;
  readonly serverNonce: string;
  readonly clientNonce: string;
}

/** 32 random bytes in lower-case hex. */
export function newNonce(): string {
  return hex(crypto.getRandomValues(new Uint8Array(32)));
}

export async function prove(challenge: Challenge): Promise<string> {
  const key = await keyOf(challenge.token, "sign");
  return hex(new Uint8Array(await crypto.subtle.sign("HMAC", key, textOf(challenge))));
}

/** Compares in constant time. `proof` is lower-case hex. */
export async function isProof(proof: string, challenge: Challenge): Promise<boolean> {
  const key = await keyOf(challenge.token, "verify");
  return await crypto.subtle.verify("HMAC", key, Uint8Array.fromHex(proof), textOf(challenge));
}

function textOf({ role, serverNonce, clientNonce }: Challenge): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`arbitrex-bridge-1 ${role} ${serverNonce} ${clientNonce}`);
}

function keyOf(token: string, usage: "sign" | "verify"): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", new TextEncoder().encode(token), algorithm, false, [usage]);
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}
