import { z } from "zod";
import type { Beat, ChannelMessages } from "./channel.ts";

/** The door of the channel where messages come from another process: one schema per topic. */

const level = z.enum(["healthy", "degraded", "critical", "unknown"]);
const componentName = z.enum([
  "mt5",
  "fxcm",
  "tick_collection",
  "queue",
  "filesystem",
  "data_quality",
  "timezone",
  "gateway",
  "redis",
  "kafka",
]);
const figure = z.union([z.number(), z.string().max(200), z.null()]);
/** A name that may stand in a path, a label or a line for a person. */
const name = z.string().regex(/^[\w.-]{1,64}$/, "expected letters, digits, '.', '_' or '-'");

const componentReport = z.object({
  status: level,
  value: figure,
  threshold: figure,
  message: z.string().max(2000),
  market: z.enum(["open", "closed"]).exactOptional(),
});

export const beatSchema: z.ZodType<Beat> = z.object({
  program: name,
  instance: name,
  atMs: z.number(),
  startedMs: z.number(),
  status: z.string().max(2000),
  level,
  components: z.partialRecord(componentName, componentReport),
  metrics: z.array(z.unknown()).max(1000),
  leaving: z.boolean().exactOptional(),
});

export const channelSchemas: {
  readonly [T in keyof ChannelMessages]: z.ZodType<ChannelMessages[T]>;
} = {
  wake: z.object({ epoch: z.string() }),
  beat: beatSchema,
  committed: z.object({ ticks: z.number() }),
  feed: z.object({
    state: z.enum(["down", "up", "ended"]),
    symbols: z.array(z.string()),
    atMs: z.number(),
    fromMs: z.number().exactOptional(),
    session: z.string().exactOptional(),
  }),
};
