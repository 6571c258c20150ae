/**
 * The live channel: wake-ups, beats and small live facts, best effort. A message may be lost without
 * a word (a busy BroadcastChannel receiver loses most of a burst), so nothing that must arrive goes
 * here, and whoever waits for a wake-up also looks by itself now and then.
 *
 * Twins: `channel_broadcast.ts` (one process), `channel_redis.ts` (Redis pub/sub, across machines),
 * `channel_http.ts` (processes of one machine without Redis: beats are posted to the health program).
 */
export interface Channel extends AsyncDisposable {
  /** Sends to every other open channel of the same name; returns at once, never throws. */
  publish<T extends keyof ChannelMessages>(topic: T, message: ChannelMessages[T]): void;
  /** Calls back for each message of the topic that arrives; the returned function ends it. */
  subscribe<T extends keyof ChannelMessages>(
    topic: T,
    listener: (message: ChannelMessages[T]) => void,
  ): () => void;
}

export interface ChannelMessages {
  /** The log of this epoch has new ticks. */
  wake: { readonly epoch: string };
  beat: Beat;
  /** The writer committed: how many ticks, so that waiting programs look again. */
  committed: { readonly ticks: number };
  /** The feed of these symbols was down, or a subscription ended: what the stream tells clients. */
  feed: FeedFact;
}

export type Level = "healthy" | "degraded" | "critical" | "unknown";

export type ComponentName =
  | "mt5"
  | "fxcm"
  | "tick_collection"
  | "queue"
  | "filesystem"
  | "data_quality"
  | "timezone"
  | "gateway"
  | "redis"
  | "kafka";

/** What one program says of one component; health joins the words of all programs. */
export interface ComponentReport {
  readonly status: Level;
  readonly value: number | string | null;
  readonly threshold: number | string | null;
  readonly message: string;
  /**
   * Of `tick_collection`: whether anything captured trades, by the calendar of each symbol, when the
   * report was made. Absent when who reports does not know the hours; health then goes by the FX week.
   */
  readonly market?: "open" | "closed";
}

/** Once a second from every program; a program silent for 5 s is noticed. */
export interface Beat {
  readonly program: string;
  /** Random, new at each start: tells two of a kind apart, and a restart from a pause. */
  readonly instance: string;
  /** Sender's UTC clock, ms. */
  readonly atMs: number;
  readonly startedMs: number;
  /** One line for a person, e.g. `41 symbols, 312 ticks/s, newest 0.1 s ago`. */
  readonly status: string;
  readonly level: Level;
  readonly components: Partial<Record<ComponentName, ComponentReport>>;
  /** The program's metrics as prom-client JSON (`registry.getMetricsAsJSON()`). */
  readonly metrics: readonly unknown[];
  /** The last beat before an orderly end: silence that follows is no failure. */
  readonly leaving?: boolean;
}

export interface FeedFact {
  readonly state: "down" | "up" | "ended";
  /** Symbols concerned; empty means all. */
  readonly symbols: readonly string[];
  /** UTC ms. For `up`: the hole was [fromMs, atMs) as far as anyone knows before history heals it. */
  readonly atMs: number;
  readonly fromMs?: number;
  /** The vendor session whose feed it is, where several are captured. */
  readonly session?: string;
}
