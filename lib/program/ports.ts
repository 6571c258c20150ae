/** A port that cannot be had: which setting names it, and who has it as far as one can tell. */
export class PortTaken extends Error {
  override readonly name = "PortTaken";
}

export interface PortCheck {
  readonly hostname: string;
  readonly port: number;
  /** The setting, e.g. GATEWAY_PORT. */
  readonly setting: string;
}

/**
 * The port to listen on: the one asked for, or a free one for 0, which a program that is started
 * again then finds again.
 * @throws PortTaken when somebody listens there.
 */
export async function settlePort({ hostname, port, setting }: PortCheck): Promise<number> {
  try {
    using listener = Deno.listen({ hostname, port });
    return listener.addr.port;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    const holder = await holderOf(hostname, port);
    throw new PortTaken(
      `Cannot listen on ${hostname}:${port}: it is taken by ${holder}; stop that, or set ${setting} to another port (0 takes a free one)`,
      { cause },
    );
  }
}

/** Linux tells which process listens; elsewhere its answer to a request tells at least what it is. */
async function holderOf(hostname: string, port: number): Promise<string> {
  return await processOnLinux(port) ?? await programByAnswer(hostname, port) ?? "another program";
}

async function processOnLinux(port: number): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  try {
    const inode = await listeningInode(port);
    if (inode === undefined) return undefined;
    for await (const entry of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(entry.name)) continue;
      if (await holdsSocket(entry.name, inode)) {
        const command = await Deno.readTextFile(`/proc/${entry.name}/comm`);
        return `process ${entry.name} (${command.trim()})`;
      }
    }
  } catch {
    // Without the right to look, the process stays unnamed.
  }
  return undefined;
}

async function listeningInode(port: number): Promise<string | undefined> {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    for (const line of (await Deno.readTextFile(table)).split("\n")) {
      const fields = line.trim().split(/\s+/);
      // Field 1 is the local address, field 3 the state (0A: listening), field 9 the inode.
      if (fields[1]?.endsWith(`:${hex}`) && fields[3] === "0A") return fields[9];
    }
  }
  return undefined;
}

async function holdsSocket(pid: string, inode: string): Promise<boolean> {
  try {
    for await (const fd of Deno.readDir(`/proc/${pid}/fd`)) {
      if (await Deno.readLink(`/proc/${pid}/fd/${fd.name}`) === `socket:[${inode}]`) return true;
    }
  } catch {
    // The process has ended meanwhile, or belongs to somebody else.
  }
  return false;
}

async function programByAnswer(hostname: string, port: number): Promise<string | undefined> {
  try {
    const answer = await fetch(`http://${hostname}:${port}/livez`, {
      signal: AbortSignal.timeout(500),
    });
    await answer.body?.cancel();
    return answer.ok ? "another Arbitrex" : "another web server";
  } catch {
    return undefined;
  }
}
