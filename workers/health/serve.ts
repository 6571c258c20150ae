import type { AddressInfo } from "node:net";
import { createAdaptorServer } from "@hono/node-server";
import type { Hono } from "hono";

export interface Serving extends AsyncDisposable {
  readonly port: number;
  readonly url: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  /** The setting that names the port, for the message when it is taken. */
  readonly setting: string;
}

const CLOSE_MS = 1000;

/** Listens; resolves when it does, rejects when it cannot. Disposing finishes what is being answered. */
export async function serve(app: Hono, at: Address): Promise<Serving> {
  const server = createAdaptorServer({ fetch: app.fetch });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause) => {
      const message =
        `Cannot listen as http://${at.host}:${at.port}: the address cannot be had; ${at.setting} sets another port`;
      reject(new Error(message, { cause }));
    });
    server.listen(at.port, at.host, () => resolve());
  });
  const { port } = server.address() as AddressInfo; // A listening TCP server has an address.
  const shownHost = at.host.includes(":") ? `[${at.host}]` : at.host;
  return {
    port,
    url: `http://${shownHost}:${port}/`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      if ("closeIdleConnections" in server) server.closeIdleConnections();
      const late = setTimeout(() => {
        if ("closeAllConnections" in server) server.closeAllConnections();
      }, CLOSE_MS);
      await closed;
      clearTimeout(late);
    },
  };
}
