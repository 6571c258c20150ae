import { join } from "node:path";

export interface Certificate {
  /** PEM texts. */
  readonly cert: string;
  readonly key: string;
}

/**
 * A certificate that signs itself, for names as openssl writes them (`DNS:localhost`, `IP:10.0.0.1`);
 * undefined without openssl.
 */
export async function selfSigned(subjectAltName: string): Promise<Certificate | undefined> {
  const folder = await Deno.makeTempDir();
  const cert = join(folder, "cert.pem"), key = join(folder, "key.pem");
  try {
    const { success } = await new Deno.Command("openssl", {
      args: [
        ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" "),
        ...`-subj /CN=arbitrex -addext subjectAltName=${subjectAltName}`.split(" "),
        ..."-addext basicConstraints=critical,CA:FALSE".split(" "),
        ...["-keyout", key, "-out", cert],
      ],
      stderr: "null",
    }).output();
    if (!success) return undefined;
    return { cert: await Deno.readTextFile(cert), key: await Deno.readTextFile(key) };
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw cause;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
