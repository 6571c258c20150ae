/**
 * What each program may do. deno.json holds the sets (`-P=<program>`), with the default folders and
 * ports; here they are narrowed to the settings of this run, for a Web Worker of `start`.
 */

export interface PermissionSet {
  readonly net?: readonly string[];
  readonly read?: readonly string[] | boolean;
  readonly write?: readonly string[];
  readonly env?: { readonly allow: readonly string[]; readonly ignore: boolean };
  readonly sys?: readonly string[];
  readonly run?: readonly string[];
}

export type ProgramName = "bridge" | "collector" | "writer" | "gateway" | "health";

/** Where things are in this run. */
export interface Places {
  readonly dataDir: string;
  readonly bindHost: string;
  readonly bridgeHost: string;
  readonly bridgePort: number;
  readonly gatewayPort: number;
  readonly healthPort: number;
  readonly prometheusPort: number | undefined;
  readonly redisUrl: string | undefined;
  /** `host:port` of each Kafka broker that ticks are mirrored to. */
  readonly kafkaServers: readonly string[];
  /** What the collector reads beside the data folder: the authority of the brokers. */
  readonly kafkaFiles: readonly string[];
  /** Recordings to replay, a mapping file, certificates: what the settings name for reading. */
  readonly readFiles: readonly string[];
  /** The file of symbols and their calendars, where it lies elsewhere than in the data folder. */
  readonly symbolCalendarMap?: string | undefined;
  /** The interpreters of Python that drivers may run in; none for a source without a driver. */
  readonly interpreters: readonly string[];
}

/** Permissions in the form that `new Worker` takes. */
export interface WorkerPermissions {
  readonly net: string[] | false;
  readonly read: string[] | false;
  readonly write: string[] | false;
  readonly env: string[];
  readonly sys: string[] | false;
  readonly run: string[] | false;
  readonly ffi: false;
  readonly import: false;
}

export function permissionsOf(
  program: ProgramName,
  set: PermissionSet,
  places: Places,
): WorkerPermissions {
  return {
    net: orNone(netOf(program, places)),
    read: orNone(set.read === undefined ? [] : readOf(program, places)),
    write: orNone(set.write === undefined ? [] : [places.dataDir]),
    env: [...set.env?.allow ?? []],
    sys: orNone([...set.sys ?? []]),
    run: orNone(program === "bridge" ? [...places.interpreters] : [...set.run ?? []]),
    ffi: false,
    import: false,
  };
}

function netOf(program: ProgramName, places: Places): string[] {
  const redis = places.redisUrl === undefined ? [] : [hostOf(places.redisUrl)];
  switch (program) {
    case "bridge":
      return [`${places.bridgeHost}:${places.bridgePort}`];
    case "collector":
      return [`${places.bridgeHost}:${places.bridgePort}`, ...redis, ...places.kafkaServers];
    case "writer":
      // Its nightly audit asks the vendors.
      return [`${places.bridgeHost}:${places.bridgePort}`, ...redis];
    case "gateway":
      return [`${places.bindHost}:${places.gatewayPort}`, ...redis];
    case "health":
      return [
        `${places.bindHost}:${places.healthPort}`,
        ...(places.prometheusPort === undefined
          ? []
          : [`${places.bindHost}:${places.prometheusPort}`]),
        ...redis,
      ];
  }
}

function readOf(program: ProgramName, places: Places): string[] {
  if (program === "bridge") return [...places.readFiles];
  const { dataDir, kafkaFiles, symbolCalendarMap: map } = places;
  const asksHours = map !== undefined && (program === "collector" || program === "gateway");
  return [dataDir, ...(program === "collector" ? kafkaFiles : []), ...(asksHours ? [map] : [])];
}

function hostOf(redisUrl: string): string {
  const { hostname, port } = new URL(redisUrl);
  return `${hostname}:${port === "" ? 6379 : port}`;
}

/** An empty list would mean all. */
function orNone(list: string[]): string[] | false {
  return list.length === 0 ? false : list;
}
