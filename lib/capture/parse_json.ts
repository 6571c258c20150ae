import type { z } from "zod";

/** @throws SyntaxError that names the file, what it should be, and how it begins. */
export function parseJson<T>(
  text: string,
  { path, as, schema }: { path: string; as: string; schema: z.ZodType<T> },
): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw new SyntaxError(
      `Cannot read ${path} as ${as}: current value is ${text.slice(0, 80)}`,
      { cause },
    );
  }
}
