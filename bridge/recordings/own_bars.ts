import type { ServerZone } from "../../lib/bridge/feed.ts";
import { formatServerZone, toServerMs } from "../../lib/time/server_zone.ts";
import type { BarBlock } from "./bar_rows.ts";
import type { LineFormat } from "./text_lines.ts";

const HEADING = "timestamp_utc";
const UTC = 0, BROKER = 1, OPEN = 2, HIGH = 3, LOW = 4, CLOSE = 5, VOLUME = 6;

/** What the first line of this project's own bar files begins with. */
export const OWN_BARS_HEADING = "timestamp_utc,timestamp_broker,open,high,low,close";

/**
 * This project's own bar files: `timestamp_utc,timestamp_broker,open,high,low,close,volume`, times in
 * seconds. The broker's stamp is the one that is replayed: it lies on the grid.
 * @throws TypeError at a row whose two times are not those of the clock: summer time began or ended.
 */
export function ownBars(path: string, clock: ServerZone): LineFormat<BarBlock> {
  return {
    separator: ",",
    endsInNewline: true,
    readLine(fields, into) {
      const serverMs = fields.secondsAsMs(BROKER);
      if (Number.isNaN(serverMs)) {
        return fields.text(UTC) === HEADING ? undefined : "its broker time is no number of seconds";
      }
      const utcMs = fields.secondsAsMs(UTC);
      if (Number.isNaN(utcMs)) return "its UTC time is no number of seconds";
      if (toServerMs(utcMs, clock) !== serverMs) throw notOfClock(path, { utcMs, serverMs, clock });
      return into.push(
        serverMs,
        fields.number(OPEN),
        fields.number(HIGH),
        fields.number(LOW),
        fields.number(CLOSE),
        fields.isEmpty(VOLUME) ? 0 : fields.number(VOLUME),
      );
    },
  };
}

function notOfClock(
  path: string,
  { utcMs, serverMs, clock }: { utcMs: number; serverMs: number; clock: ServerZone },
): TypeError {
  const hours = (serverMs - utcMs) / 3_600_000;
  return new TypeError(
    `Cannot replay ${path} on the clock ${formatServerZone(clock)}: the bar of ${
      new Date(utcMs).toISOString()
    } is ${hours} h ahead of UTC; name the server's clock with REPLAY_ZONE`,
  );
}
