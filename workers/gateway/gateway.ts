import type { Channel } from "../../lib/log/channel.ts";
import type { TickLogReader } from "../../lib/log/tick_log.ts";
import { startBeat } from "../../lib/program/beat.ts";
import type { Settings } from "../../lib/program/settings.ts";
import { Calendars } from "../../lib/time/calendar/calendars.ts";
import { createApp } from "./app.ts";
import type { Assets } from "./assets.ts";
import type { gatewaySettings } from "./config.ts";
import { describe } from "./describe.ts";
import type { GatewayEvents } from "./events.ts";
import { RangeAnswers } from "./queries/range_answers.ts";
import { serve } from "./serve.ts";
import { EventDoor } from "./sse_door.ts";
import { Stream } from "./stream.ts";
import { WebSocketDoor } from "./ws_door.ts";

export interface GatewayOptions {
  readonly reader: TickLogReader;
  readonly channel: Channel;
  readonly events: GatewayEvents;
  readonly settings: Settings<typeof gatewaySettings>;
  readonly dataDir: string;
  readonly dataKind: string;
  readonly assets: Assets;
  /** Aborts: clients are told to come back, and the gateway ends. */
  readonly signal: AbortSignal;
  ready(facts: { readonly url: string }): void;
  /** Hands out the stream, for who measures it. */
  onStream?(stream: Stream): void;
}

/** What a JSON answer holds at most when the query names no limit. */
const DEFAULT_QUERY_TICKS = 10_000, DEFAULT_QUERY_BARS = 1000;

/** Runs a gateway until the signal aborts and its clients have left. Reader and channel stay open. */
export async function runGateway(options: GatewayOptions): Promise<void> {
  const { reader, channel, events, settings, dataDir, dataKind, assets, signal, ready } = options;
  const stream = new Stream({ reader, channel, events, ...settings });
  options.onStream?.(stream);
  const webSockets = new WebSocketDoor({ stream, events, ...settings });
  const eventStreams = new EventDoor({ stream, reader, events, ...settings });
  using calendars = await Calendars.open({
    dataDir,
    mapFile: settings.symbolCalendarMap,
    use: settings.marketCalendar,
    onProblem: events.calendarMapUnusable,
  });
  const app = createApp({
    stream,
    history: { dataDir, reader },
    events,
    answers: new RangeAnswers({ events, ...settings }),
    calendars,
    tickBarsHours: settings.tickBarsHours,
    limits: {
      ticks: { max: settings.maxQueryTicks, fallback: DEFAULT_QUERY_TICKS },
      bars: { max: settings.maxQueryBars, fallback: DEFAULT_QUERY_BARS },
    },
    assets,
    kind: dataKind,
  });
  try {
    await using serving = await serve({
      app,
      webSockets,
      eventStreams,
      guard: settings,
      events,
      port: settings.gatewayPort,
      maxClients: settings.maxClients,
    });
    await using _beat = startBeat({
      program: "gateway",
      channel,
      telemetry: events.telemetry,
      describe: () => describe(stream, { webSockets, eventStreams }),
      signal,
    });
    events.listening(serving.url);
    ready({ url: serving.url });
    await stream.run(signal);
  } finally {
    webSockets.stop();
    eventStreams.stop();
  }
}
