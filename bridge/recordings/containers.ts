import { unzipSync } from "fflate";

const GZIP = [0x1f, 0x8b], UTF16_LE = [0xff, 0xfe], UTF16_BE = [0xfe, 0xff];
const UTF8_BOM = [0xef, 0xbb, 0xbf];

/** The bytes of a file in pieces, gunzipped when it is gzip: its first bytes tell, not its name. */
export async function* fileBytes(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const file = await Deno.open(path);
  const head = new Uint8Array(2);
  const count = await file.read(head);
  await file.seek(0, Deno.SeekMode.Start);
  const gzip = count === 2 && startsWith(head, GZIP);
  yield* gzip ? file.readable.pipeThrough(new DecompressionStream("gzip")) : file.readable;
}

/** The text of a file as UTF-8 bytes: terminals on Windows export UTF-16 with a byte order mark. */
export async function* textBytes(path: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  let decoder: TextDecoder | undefined;
  const encoder = new TextEncoder();
  let first = true;
  for await (let bytes of fileBytes(path)) {
    if (first) {
      first = false;
      if (startsWith(bytes, UTF16_LE)) decoder = new TextDecoder("utf-16le");
      else if (startsWith(bytes, UTF16_BE)) decoder = new TextDecoder("utf-16be");
      else if (startsWith(bytes, UTF8_BOM)) bytes = bytes.subarray(UTF8_BOM.length);
    }
    yield decoder === undefined ? bytes : encoder.encode(decoder.decode(bytes, { stream: true }));
  }
}

/** The only file of a zip. Day files of quotes are small, so it is held whole. */
export async function zippedBytes(path: string): Promise<Uint8Array> {
  const entries = Object.entries(unzipSync(await Deno.readFile(path)));
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) return only[1];
  throw new TypeError(
    `Cannot read ${path} as a zip of one file: current count is ${entries.length}`,
  );
}

function startsWith(bytes: Uint8Array, mark: readonly number[]): boolean {
  return mark.every((byte, index) => bytes[index] === byte);
}
