import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { makeCast } from "./cast.ts";
import { type Comparison, compare } from "./comparison.ts";
import { makeOwner, startDatabaseServer } from "./database-server.ts";
import { untilDrained } from "./drained.ts";
import { killInEveryGap } from "./gaps.ts";
import { hangUpAfterTheLastByte } from "./hang-ups.ts";
import { killWhileMigrating } from "./migration-kills.ts";
import { makePoster } from "./poster.ts";
import { randomOf } from "./random.ts";
import { killAtRandom } from "./random-kills.ts";
import type { Scratch } from "./scratch.ts";
import { connectCast, connectLateNumber } from "./seeding.ts";
import { makeService } from "./service.ts";
import { freePort, makeSettings } from "./settings.ts";
import { type Stage, Tally, untilReady } from "./stage.ts";
import { makeStory } from "./story.ts";

export interface RunOptions {
  kills: number;
  seed: number;
  scratch: Scratch;
  tell(line: string): void;
}

export interface DeliveriesResult {
  comparison: Comparison;
  tally: Tally;
  outcomes: ReadonlyMap<string, number>;
  /** Undefined: not drained at all. */
  drainedSeconds: number | undefined;
  /** What was wrong besides: processes that ended by themselves, stops that were not in order. */
  problems: string[];
}

const perSecond = 80;
const quietMs = 300;
const drainMs = 90_000;

/** A server and a second worker on one database, under a steady stream of deliveries, while everybody is killed in turn. */
export async function runDeliveries({ kills, seed, scratch, tell }: RunOptions): Promise<DeliveriesResult> {
  const random = randomOf(seed);
  const settings = makeSettings();
  const port = await freePort();
  const database = await startDatabaseServer(scratch.sub("database"));
  const owner = makeOwner(database.connection);
  const processOf = (name: string, more: Record<string, string>) =>
    makeService(name, scratch.sub(name), settings.of({ DATABASE_URL: database.urlOf(name), ...more }));
  const server = processOf("server", { PORT: String(port), ROLES: "web,worker" });
  const worker = processOf("worker", { PORT: "0", ROLES: "worker" });
  const cast = makeCast({ workspaces: 3, numbersEach: 2, customersEach: 40, hasLateNumber: true });
  const story = makeStory(cast, random, new Date());
  const poster = makePoster({ url: () => `http://127.0.0.1:${port}`, secret: settings.secret, story, random });
  const tally = new Tally();
  const stage: Stage = { server, worker, database, owner, poster, story, cast, random, tell, tally };

  await killWhileMigrating(stage);
  await untilReady(server, worker);
  await connectCast(owner, cast);
  poster.startStream(perSecond);
  await hangUpAfterTheLastByte(stage);
  await killInEveryGap(stage);
  await connectLateNumber(owner, cast);
  await killAtRandom(stage, kills);
  await sleep(quietMs);
  poster.stopStream();
  const isDrained = await untilDrained(owner, poster, drainMs);
  const drainedSeconds = isDrained ? (performance.now() - tally.lastKillMs) / 1000 : undefined;
  await poster.stop();

  const client = new pg.Client(database.connection);
  await client.connect();
  const comparison = await compare(client, poster.acknowledged, cast);
  await client.end();
  const problems = [...server.crashes, ...worker.crashes, ...(await stopInOrder(stage))];
  if (poster.outstanding() > 0) problems.push(`${poster.outstanding()} deliveries were never answered 200`);
  await owner.end();
  return { comparison, tally, outcomes: poster.outcomes, drainedSeconds, problems };
}

async function stopInOrder({ server, worker }: Stage): Promise<string[]> {
  await untilReady(server, worker);
  const problems: string[] = [];
  for (const service of [server, worker]) {
    const { code, signal } = await service.stop();
    if (code !== 0) problems.push(`${service.name} did not stop in order: ${signal ?? code}`);
  }
  return problems;
}
