/**
 * Two network namespaces of Linux with one cable between them: two hosts on one machine, whose link
 * can be cut. They need root and `ip`.
 */
export interface Host {
  readonly address: string;
  /** What goes before a command so that it runs on this host. */
  readonly prefix: readonly string[];
}

export class TwoHosts implements AsyncDisposable {
  readonly #name: string;
  readonly near: Host;
  readonly far: Host;

  private constructor(name: string, subnet: string) {
    this.#name = name;
    this.near = { address: `${subnet}.1`, prefix: ["ip", "netns", "exec", `${name}-a`] };
    this.far = { address: `${subnet}.2`, prefix: ["ip", "netns", "exec", `${name}-b`] };
  }

  /** @throws Error when namespaces may not be made here. */
  static async open(): Promise<TwoHosts> {
    const bytes = crypto.getRandomValues(new Uint8Array(3));
    const name = `ax${bytes.toHex()}`, subnet = `10.${bytes[0]}.${bytes[1]}`;
    const hosts = new TwoHosts(name, subnet);
    try {
      await ip(`netns add ${name}-a`);
      await ip(`netns add ${name}-b`);
      // An interface's name has at most 15 characters.
      await ip(`-n ${name}-a link add ${name}a type veth peer name ${name}b netns ${name}-b`);
      await ip(`-n ${name}-a addr add ${subnet}.1/24 dev ${name}a`);
      await ip(`-n ${name}-b addr add ${subnet}.2/24 dev ${name}b`);
      for (const end of ["a", "b"]) {
        await ip(`-n ${name}-${end} link set lo up`);
        await ip(`-n ${name}-${end} link set ${name}${end} up`);
      }
      return hosts;
    } catch (cause) {
      await hosts[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /** Packets are lost from now on, and nobody is told. */
  async cut(): Promise<void> {
    await ip(`-n ${this.#name}-b link set ${this.#name}b down`);
  }

  async mend(): Promise<void> {
    await ip(`-n ${this.#name}-b link set ${this.#name}b up`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const end of ["a", "b"]) {
      await ip(`netns del ${this.#name}-${end}`).catch(() => {
        // It was never made.
      });
    }
  }
}

/** Whether this system lets us make two hosts; says why not, and what to do. */
export async function twoHostsAreThere(): Promise<boolean> {
  try {
    await using _hosts = await TwoHosts.open();
    return true;
  } catch (cause) {
    console.log(`skips two hosts: ${cause}; run as root on Linux, apt-get install iproute2`);
    return false;
  }
}

async function ip(words: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("ip", {
    args: words.split(" "),
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) {
    throw new Error(`Cannot run ip ${words}: ${new TextDecoder().decode(stderr).trim()}`);
  }
}
