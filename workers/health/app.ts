import { getConnInfo } from "@hono/node-server/conninfo";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { beatSchema } from "../../lib/log/channel_schema.ts";
import type { HealthEvents } from "./events.ts";
import { type MetricsOfProgram, prometheusText } from "./prometheus.ts";
import { summaryOf } from "./report.ts";
import type { Watch } from "./watch.ts";

/** A beat with the metrics of a whole program is some tens of kB. */
const MAX_BEAT_BYTES = 1_000_000;
const LOOPBACK = new Set(["127.0.0.1", "::1", "::ffff:127.0.0.1"]);

export interface AppOptions {
  readonly watch: Watch;
  readonly events: HealthEvents;
  /** Aborts when the program drains: it is alive, but no longer ready. */
  readonly signal: AbortSignal;
}

/** The REST side of health. */
export function healthApp({ watch, events, signal }: AppOptions): Hono {
  const app = new Hono();

  app.get("/health", (c) => {
    const report = watch.report();
    return c.json(summaryOf(report), report.overall_status === "healthy" ? 200 : 503);
  });
  app.get("/health/detailed", (c) => c.json(watch.report()));
  app.get("/health/components/:name", (c) => {
    const name = c.req.param("name");
    const component = watch.report().components[name];
    if (component !== undefined) return c.json(component);
    const known = Object.keys(watch.report().components).join(", ");
    return c.json({ error: `unknown component ${name}: this system has ${known}` }, 404);
  });
  app.get("/livez", (c) => c.json({ status: "alive" }));
  app.get("/readyz", (c) => {
    return signal.aborted ? c.json({ status: "draining" }, 503) : c.json({ status: "ready" });
  });

  const metrics = metricsOf({ watch, events });
  app.get("/metrics", metrics);
  app.get("/health/metrics", metrics);

  app.post(
    "/beats",
    async (c, next) => {
      const from = getConnInfo(c).remote.address ?? "nowhere";
      // A page in a browser of this machine names its origin; a program has none.
      const isLocalProgram = LOOPBACK.has(from) && c.req.header("origin") === undefined;
      if (isLocalProgram) return await next();
      events.beatRefused("sender", `it comes from ${from}, not from a program of this machine`);
      return c.json({ error: "beats are taken from programs of this machine only" }, 403);
    },
    bodyLimit({
      maxSize: MAX_BEAT_BYTES,
      onError: (c) => {
        events.beatRefused("size", `it is longer than ${MAX_BEAT_BYTES} bytes`);
        return c.json({ error: `a beat has at most ${MAX_BEAT_BYTES} bytes` }, 413);
      },
    }),
    async (c) => {
      const parsed = beatSchema.safeParse(await c.req.json().catch(() => undefined));
      if (!parsed.success) {
        const reasons = parsed.error.issues
          .map(({ path, message }) => `${path.join(".") || "body"}: ${message}`).join("; ").slice(
            0,
            500,
          );
        events.beatRefused("shape", reasons);
        return c.json({ error: reasons }, 400);
      }
      watch.hear(parsed.data);
      return c.body(null, 204);
    },
  );
  app.notFound((c) => c.json({ error: `no such path: ${c.req.path}` }, 404));
  app.onError((cause, c) => {
    events.telemetry.log.error(`Cannot answer ${c.req.path}: ${cause.message}`);
    return c.json({ error: "internal error" }, 500);
  });
  return app;
}

/** The metrics of all programs and nothing else. */
export function metricsApp(options: Omit<AppOptions, "signal">): Hono {
  return new Hono().get("/metrics", metricsOf(options));
}

function metricsOf({ watch, events }: Omit<AppOptions, "signal">) {
  return async (c: Context) => {
    events.show(watch.report());
    const own = await events.telemetry.registry.getMetricsAsJSON();
    const isOfSystem = ({ name }: { name: string }) => name.startsWith("arbitrex_health_");
    const all: MetricsOfProgram[] = [
      { replica: 0, metrics: own.filter(isOfSystem) },
      { program: "health", replica: 0, metrics: own.filter((metric) => !isOfSystem(metric)) },
      ...watch.metrics(),
    ];
    const type = "text/plain; version=0.0.4; charset=utf-8";
    return c.body(prometheusText(all), 200, { "content-type": type });
  };
}
