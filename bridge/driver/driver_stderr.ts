/** What becomes of a driver's stderr: lines, bounded, without secrets. */

export interface DriverOutputOptions {
  readonly redact: Redaction;
  readonly onLine: (line: string) => void;
  /** Bytes that were not logged since the last call, because there were too many. */
  readonly onDropped: (bytes: number) => void;
}

export interface Redaction {
  (text: string): string;
  /** Characters of the longest secret. */
  readonly longest: number;
}

const MAX_LINE_CHARACTERS = 2000;
/** What is logged in a second; a vendor's library in distress prints a line a call. */
const LOGGED_BYTES_PER_SECOND = 64 << 10;
const SECRET_NAME = /pass(word|wd|phrase|code)|secret|token|pin$|^pin[^a-z]/i;
/** Shorter ones are in every text, and are guessed at once anyway. */
const MIN_SECRET_CHARACTERS = 3;

/** Turns bytes of stderr into log lines. */
export class DriverOutput {
  readonly #options: DriverOutputOptions;
  readonly #decoder = new TextDecoder();
  #partial = "";
  /** Whether the rest of a line that was too long is still to come. */
  #isCut = false;
  #loggedBytes = 0;
  #droppedBytes = 0;
  #lastLine = "";

  constructor(options: DriverOutputOptions) {
    this.#options = options;
  }

  /** The last line with something in it: where Python's traceback has its reason. */
  get lastLine(): string {
    return this.#lastLine;
  }

  push(bytes: Uint8Array): void {
    const lines = this.#decoder.decode(bytes, { stream: true }).split(/\r\n|\n|\r/);
    const last = lines.pop() ?? "";
    for (const line of lines) {
      this.#partial += line;
      this.#endLine();
    }
    this.#partial += last;
    const limit = MAX_LINE_CHARACTERS + this.#options.redact.longest;
    if (this.#partial.length > limit) {
      this.#log(this.#partial.slice(0, limit), true);
      this.#droppedBytes += this.#partial.length - MAX_LINE_CHARACTERS;
      this.#partial = "";
      this.#isCut = true;
    }
  }

  /** To be called once a second: more may be logged again. */
  renew(): void {
    this.#loggedBytes = 0;
    if (this.#droppedBytes > 0) this.#options.onDropped(this.#droppedBytes);
    this.#droppedBytes = 0;
  }

  end(): void {
    this.#partial += this.#decoder.decode();
    this.#endLine();
    this.renew();
  }

  #endLine(): void {
    const line = this.#partial;
    this.#partial = "";
    if (this.#isCut) this.#droppedBytes += line.length;
    else if (line.trim() !== "") this.#log(line, line.length > MAX_LINE_CHARACTERS);
    this.#isCut = false;
  }

  #log(line: string, isLong: boolean): void {
    if (this.#loggedBytes + line.length > LOGGED_BYTES_PER_SECOND) {
      this.#droppedBytes += line.length;
      return;
    }
    this.#loggedBytes += line.length;
    const { redact, onLine } = this.#options;
    const safe = redact(line);
    // Where a line is cut, a secret may be cut too, and be known no more.
    this.#lastLine = isLong ? safe.slice(0, safe.length - redact.longest) : safe;
    this.#lastLine = this.#lastLine.slice(0, MAX_LINE_CHARACTERS);
    onLine(this.#lastLine);
  }
}

/** Takes the values of settings with names such as `password`, `pin` or `token` out of texts. */
export function redaction(settings: Readonly<Record<string, unknown>>): Redaction {
  const secrets = Object.entries(settings)
    .filter(([name, value]) =>
      SECRET_NAME.test(name) && (typeof value === "string" || typeof value === "number")
    )
    .map(([, value]) => String(value))
    .filter((secret) => secret.length >= MIN_SECRET_CHARACTERS)
    // As it is, and as it looks within quotes in a traceback.
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .sort((a, b) => b.length - a.length);
  const redact = (text: string) =>
    secrets.reduce((safe, secret) => safe.replaceAll(secret, "***"), text);
  return Object.assign(redact, { longest: secrets[0]?.length ?? 0 });
}
