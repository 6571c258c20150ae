import { Admin, Consumer, stringDeserializers } from "@platformatic/kafka";
import { join } from "node:path";
import { tempFolder } from "./temp_folder.ts";
import { until } from "./until.ts";

/** Apache Kafka as a single node that is broker and controller, from Maven Central's jars. */
const VERSION = "4.1.1";
const CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";

export interface KafkaMessage {
  readonly key: string;
  readonly value: string;
  readonly partition: number;
}

export interface KafkaBroker extends AsyncDisposable {
  /** `host:port` of the listener without encryption and login. */
  readonly server: string;
  /** `host:port` of the listener with both; only where it was asked for. */
  readonly secureServer: string;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  /** Answers nothing any more, with all connections open, until it is killed; not on Windows. */
  freeze(): void;
  /** Starts again on the same ports and folder. */
  restart(): Promise<void>;
  /** The first `count` messages of a topic; those of one partition are in their order. */
  read(topic: string, count: number): Promise<KafkaMessage[]>;
  /** How many messages a topic holds. */
  count(topic: string): Promise<number>;
}

export interface StartKafka {
  /** Do not start it yet: the ports are taken by nobody until `restart`. */
  readonly down?: boolean;
  /** A listener with TLS that lets in this user, by SASL PLAIN or SCRAM. */
  readonly secure?: {
    /** The certificate and its key, PEM. */
    readonly cert: string;
    readonly key: string;
    readonly username: string;
    readonly password: string;
  };
}

/** Whether Kafka can be run here; when it must be (REQUIRE_SERVERS=1) and cannot, throws. */
export function kafkaIsInstalled(): boolean {
  const missing = [["java", "-version"], ...(jarsAreHere() ? [] : [[MAVEN, "-version"]])]
    .find(([command = "", option = ""]) => !runs(command, option))?.[0];
  if (missing === undefined) return true;
  const how =
    `${missing} is not installed: apt-get install default-jre-headless maven, brew install openjdk maven`;
  if (Deno.env.get("REQUIRE_SERVERS") === "1") throw new Error(`Cannot run this test: ${how}`);
  console.warn(`Tests against Kafka are skipped: ${how}`);
  return false;
}

/** Starts a real broker on free ports. */
export async function startKafka({ down = false, secure }: StartKafka = {}): Promise<KafkaBroker> {
  const jars = await fetchJars();
  const folder = await tempFolder();
  const [port = 0, controllerPort = 0, securePort = 0] = freePorts(3);
  const server = `127.0.0.1:${port}`, secureServer = `localhost:${securePort}`;
  const config = join(folder.path, "server.properties");
  const listeners = [`PLAINTEXT://${server}`, ...(secure ? [`SASL_SSL://${secureServer}`] : [])];
  await Deno.writeTextFile(
    config,
    Object.entries({
      "process.roles": "broker,controller",
      "node.id": 1,
      listeners: [...listeners, `CONTROLLER://127.0.0.1:${controllerPort}`].join(),
      "advertised.listeners": listeners.join(),
      "controller.listener.names": "CONTROLLER",
      "controller.quorum.voters": `1@127.0.0.1:${controllerPort}`,
      "listener.security.protocol.map":
        "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL",
      "log.dirs": join(folder.path, "log").replaceAll("\\", "/"),
      "num.partitions": 3,
      "offsets.topic.num.partitions": 1,
      "offsets.topic.replication.factor": 1,
      "group.initial.rebalance.delay.ms": 0,
      // After a crash the controller waits for the end of the broker's old session.
      "broker.session.timeout.ms": 1_000,
      "broker.heartbeat.interval.ms": 200,
      ...(secure && secureProperties(secure)),
    }).map(([name, value]) => `${name}=${value}\n`).join(""),
  );
  const java = (...args: string[]) =>
    new Deno.Command("java", {
      args: ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", jars, ...args],
      stdout: "null",
      stderr: "null",
    });
  const login = secure === undefined ? [] : [
    "--add-scram",
    `SCRAM-SHA-512=[name=${secure.username},password=${secure.password}]`,
  ];
  const formatted = await java(
    "kafka.tools.StorageTool",
    ...["format", "-t", CLUSTER_ID, "-c", config, ...login],
  ).output();
  if (!formatted.success) {
    throw new Error(`Cannot format Kafka's storage: current exit code is ${formatted.code}`);
  }

  let child: Deno.ChildProcess | undefined;
  const kill = async () => {
    const ending = child;
    child = undefined;
    ending?.kill("SIGKILL");
    await ending?.status;
  };
  const start = async () => {
    child = java("kafka.Kafka", config).spawn();
    await answering(server, child);
  };
  if (!down) await start();
  return {
    server,
    secureServer,
    kill,
    freeze: () => child?.kill("SIGSTOP"),
    async restart() {
      await kill();
      await start();
    },
    read: (topic, count) => readTopic(server, topic, count),
    count: (topic) => countOf(server, topic),
    async [Symbol.asyncDispose]() {
      await kill();
      await folder[Symbol.asyncDispose]();
    },
  };
}

function secureProperties({ cert, key, username, password }: NonNullable<StartKafka["secure"]>) {
  const oneLine = (pem: string) => pem.trim().replaceAll("\n", "\\n");
  const plain = "org.apache.kafka.common.security.plain.PlainLoginModule required";
  const scram = "org.apache.kafka.common.security.scram.ScramLoginModule required";
  return {
    "ssl.keystore.type": "PEM",
    "ssl.keystore.certificate.chain": oneLine(cert),
    "ssl.keystore.key": oneLine(key),
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
    "listener.name.sasl_ssl.plain.sasl.jaas.config": `${plain} user_${username}="${password}";`,
    "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": `${scram};`,
  };
}

const MAVEN = Deno.build.os === "windows" ? "mvn.cmd" : "mvn";

function runs(command: string, option: string): boolean {
  try {
    return new Deno.Command(command, { args: [option], stdout: "null", stderr: "null" })
      .outputSync().success;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    return false;
  }
}

/** Kept between runs, outside the repository. */
function jarsFolder(): string {
  const { env } = Deno;
  const home = env.get("HOME") ?? env.get("USERPROFILE") ?? ".";
  const cache = env.get("XDG_CACHE_HOME") ?? env.get("LOCALAPPDATA") ?? join(home, ".cache");
  return join(cache, "arbitrex-tests", `kafka-${VERSION}`);
}

function jarsAreHere(): boolean {
  try {
    return Deno.statSync(jarsFolder()).isDirectory;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    return false;
  }
}

/** Java's class path of the broker, 43 MB; fetched once. */
async function fetchJars(): Promise<string> {
  const folder = jarsFolder(), classPath = join(folder, "*");
  if (jarsAreHere()) return classPath;
  // Beside its place first, so that what is there is whole, whoever else fetches at the same time.
  const fetching = `${folder}.${crypto.randomUUID()}`;
  await Deno.mkdir(fetching, { recursive: true });
  try {
    await using pom = await tempFolder();
    await Deno.writeTextFile(join(pom.path, "pom.xml"), POM);
    const { success, stdout } = await new Deno.Command(MAVEN, {
      args: [
        ...["-B", "-q", "dependency:copy-dependencies", "-DincludeScope=runtime"],
        `-DoutputDirectory=${fetching}`,
      ],
      cwd: pom.path,
    }).output();
    if (!success) {
      throw new Error(
        `Cannot fetch Kafka from Maven Central: ${new TextDecoder().decode(stdout).slice(0, 2000)}`,
      );
    }
    await Deno.rename(fetching, folder).catch((cause) => {
      if (!jarsAreHere()) throw cause;
    });
    return classPath;
  } finally {
    await Deno.remove(fetching, { recursive: true }).catch(() => {});
  }
}

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>arbitrex</groupId><artifactId>kafka-broker</artifactId><version>1</version>
  <dependencies><dependency>
    <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version>
  </dependency></dependencies>
</project>`;

/** Taken together, so that they differ. */
function freePorts(count: number): number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  return listeners.map((listener) => {
    const { port } = listener.addr as Deno.NetAddr; // listen() without a transport is TCP
    listener.close();
    return port;
  });
}

async function answering(server: string, broker: Deno.ChildProcess): Promise<void> {
  let endedWith: number | undefined;
  broker.status.then(({ code }) => endedWith = code);
  await until(async () => {
    if (endedWith !== undefined) return true;
    await withAdmin(server, (admin) => admin.metadata({ topics: [] }));
    return true;
  }, { intervalMs: 100 });
  if (endedWith !== undefined) {
    throw new Error(`Cannot use Kafka on ${server}: current state is ended with ${endedWith}`);
  }
}

async function withAdmin<T>(server: string, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin({ clientId: "tests", bootstrapBrokers: [server], retries: 0 });
  try {
    return await use(admin);
  } finally {
    await admin.close();
  }
}

async function countOf(server: string, topic: string): Promise<number> {
  const consumer = new Consumer({ ...READER, groupId: "counts", bootstrapBrokers: [server] });
  try {
    const offsets = await consumer.listOffsets({ topics: [topic] });
    return (offsets.get(topic) ?? []).reduce((sum, offset) => sum + Number(offset), 0);
  } finally {
    await consumer.close();
  }
}

async function readTopic(server: string, topic: string, count: number): Promise<KafkaMessage[]> {
  const consumer = new Consumer({
    ...READER,
    groupId: crypto.randomUUID(),
    bootstrapBrokers: [server],
    deserializers: stringDeserializers,
  });
  const messages: KafkaMessage[] = [];
  try {
    const stream = await consumer.consume({ topics: [topic], mode: "earliest", autocommit: false });
    for await (const { key, value, partition } of stream) {
      messages.push({ key: key ?? "", value: value ?? "", partition });
      if (messages.length === count) break;
    }
  } finally {
    await consumer.close(true);
  }
  return messages;
}

const READER = { clientId: "tests", retries: 5, retryDelay: 100 };
