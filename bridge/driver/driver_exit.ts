/** A driver's end, in words for a person. */

export interface DriverExit {
  readonly vendor: string;
  readonly status: Deno.CommandStatus;
  /** Whether it had logged in before. */
  readonly hadOpened: boolean;
  /** The last that it wrote to stderr, without secrets; may be empty. */
  readonly lastLine: string;
}

const SIGNALS: Readonly<Record<string, string>> = {
  SIGSEGV: "a fault in the memory of the vendor's library",
  SIGBUS: "a fault in the memory of the vendor's library",
  SIGILL: "a library that is built for another processor",
  SIGABRT: "the vendor's library gave up",
  SIGKILL: "somebody killed it, or the system was out of memory",
  SIGTERM: "somebody ended it",
};

/** Windows tells a fault as the exit code: NTSTATUS, of which some tools print the signed form. */
const NT_STATUS: Readonly<Record<number, string>> = {
  0xC0000005: "a fault in the memory of the vendor's library",
  0xC000001D: "a library that is built for another processor",
  0xC00000FD: "the vendor's library ran out of stack",
  0xC0000135: "a DLL that it needs is missing: install the Microsoft Visual C++ Redistributable",
  0xC000013A: "somebody ended it with Ctrl+C or by closing its window",
  0xC0000374: "a fault in the memory of the vendor's library",
  0xC0000409: "the vendor's library gave up",
};

/** Windows' answer where a command is only a link to the Microsoft Store. */
const STORE_STUB_CODE = 9009;

export function exitReason({ vendor, status, hadOpened, lastLine }: DriverExit): string {
  const said = lastLine === "" ? "" : ` Its last line: ${lastLine}`;
  const driver = `The Python process of ${vendor}`;
  if (status.signal !== null) {
    const why = SIGNALS[status.signal];
    return `${driver} crashed with ${status.signal}${why ? ` (${why})` : ""}.${said}`;
  }
  const code = status.code >>> 0;
  const fault = NT_STATUS[code];
  if (fault !== undefined) {
    return `${driver} crashed with 0x${code.toString(16).toUpperCase()} (${fault}).${said}`;
  }
  if (code === STORE_STUB_CODE) {
    return `${driver} did not start: the command is only a link to the Microsoft Store. ` +
      "Install Python from python.org, or name its path in the settings.";
  }
  if (code === 0 && !hadOpened) {
    return `${driver} ended at once, with code 0. ${trapOf(vendor)}${said}`;
  }
  if (code === 0) return `${driver} ended by itself, with code 0.${said}`;
  return `${driver} ended with code ${status.code}.${said}`;
}

/** What makes a process end at once and seem content. */
function trapOf(vendor: string): string {
  if (vendor !== "mt5") return "It was not asked to.";
  return "A second terminal64.exe on the same data folder ends like this: give every session a " +
    "terminal of its own, in a folder of its own, started as portable.";
}
