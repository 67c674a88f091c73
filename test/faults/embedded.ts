import { closeSync, existsSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { LOGIN } from "#core/store/bootstrap.ts";
import { type Cast, makeCast } from "./cast.ts";
import { type Comparison, compare } from "./comparison.ts";
import { makeOwner, type Owner } from "./database-server.ts";
import { untilDrained } from "./drained.ts";
import { makePoster, type Poster } from "./poster.ts";
import { randomOf } from "./random.ts";
import { killIfThere, mountMemoryDisk, type Scratch } from "./scratch.ts";
import { connectCast } from "./seeding.ts";
import { makeService, type Service } from "./service.ts";
import { freePort, makeSettings } from "./settings.ts";
import { seen, untilReady } from "./stage.ts";
import { makeStory } from "./story.ts";

export interface EmbeddedResult {
  comparison: Comparison;
  /** Sentences about what was seen, and what was not. */
  done: string[];
  skipped: string[];
  problems: string[];
}

const diskMegabytes = 192;
const perSecond = 40;
const fullMs = 3_000;
const drainMs = 60_000;

interface Scene {
  service: Service;
  owner: Owner;
  poster: Poster;
  dataDir: string;
  result: Omit<EmbeddedResult, "comparison">;
}

/** One process on its own, embedded PostgreSQL: the server it leaves behind, the crash of both, and a full disk. */
export async function runEmbedded(options: {
  seed: number;
  scratch: Scratch;
  tell(line: string): void;
}): Promise<EmbeddedResult> {
  const { seed, scratch, tell } = options;
  const dataDir = scratch.sub("embedded");
  const { problem: noDisk } = mountMemoryDisk(dataDir, diskMegabytes);
  const settings = makeSettings();
  const port = await freePort();
  const service = makeService(
    "embedded",
    scratch.sub("embedded-cwd"),
    settings.of({ DATA_DIR: dataDir, PORT: String(port) }),
  );
  const owner = makeOwner({ host: path.join(dataDir, "postgres/socket"), user: LOGIN, database: LOGIN });
  const random = randomOf(seed + 1);
  const cast = makeCast({ workspaces: 1, numbersEach: 2, customersEach: 20, hasLateNumber: false });
  const story = makeStory(cast, random, new Date());
  const poster = makePoster({ url: () => `http://127.0.0.1:${port}`, secret: settings.secret, story, random });
  const scene: Scene = { service, owner, poster, dataDir, result: { done: [], skipped: [], problems: [] } };

  service.start();
  await untilReady(service);
  await connectCast(owner, cast);
  poster.startStream(perSecond);
  await orphanIsTakenOver(scene);
  await crashIsRecovered(scene);
  if (noDisk === undefined) await diskIsFull(scene);
  else scene.result.skipped.push(`full disk skipped: ${noDisk}`);
  poster.stopStream();
  const comparison = await finish(scene, cast);
  for (const line of [...scene.result.done, ...scene.result.skipped]) tell(line);
  return { comparison, ...scene.result };
}

async function orphanIsTakenOver({ service, poster, dataDir, result }: Scene): Promise<void> {
  await acknowledgedMore(poster);
  const pid = postmasterOf(dataDir);
  await service.kill();
  await sleep(300);
  if (postmasterOf(dataDir) !== pid) result.problems.push("the embedded server did not outlive its killed process");
  await untilReady(service);
  const line = `took over the PostgreSQL (pid ${pid}) that an earlier run left`;
  if (service.lines.some(({ msg }) => msg === line)) result.done.push(`orphan: ${line}`);
  else result.problems.push(`no line said "${line}"`);
}

async function crashIsRecovered({ service, poster, dataDir, result }: Scene): Promise<void> {
  await acknowledgedMore(poster);
  const pid = postmasterOf(dataDir);
  service.strike();
  if (pid !== undefined) killIfThere(pid);
  await seen(() => (service.isReady ? undefined : true), 5_000);
  await untilReady(service);
  const line = "recovered PostgreSQL after a crash of an earlier run";
  if (service.lines.some(({ msg }) => msg === line)) result.done.push(`both killed: ${line}`);
  else result.problems.push(`no line said "${line}"`);
}

/** A file takes all that is left of the disk. What fits is stored, what does not is answered 503; then space comes back. */
async function diskIsFull({ service, poster, dataDir, result }: Scene): Promise<void> {
  const before = { refused: count(poster, "503"), acknowledged: count(poster, "200") };
  const filler = path.join(dataDir, "filler");
  const megabytes = fill(filler);
  const isRefused = await seen(() => {
    fill(filler);
    return count(poster, "503") > before.refused ? true : undefined;
  }, 30_000);
  await sleep(fullMs);
  const during = count(poster, "200");
  rmSync(filler);
  const isBack = await seen(() => (count(poster, "200") > during ? true : undefined), 30_000);
  const refused = count(poster, "503") - before.refused;
  result.done.push(
    `full disk (${megabytes} MB taken): ${refused} answered 503, ${during - before.acknowledged} that still fitted 200`,
  );
  if (!isRefused) result.problems.push("a full disk was never answered 503");
  if (!isBack) result.problems.push("nothing was acknowledged after the disk had space again");
  if (!service.isReady) result.problems.push("the process ended on a full disk");
}

/** Appends until the disk is full; returns the megabytes of the file. */
function fill(file: string): number {
  const block = Buffer.alloc(64 * 1024);
  const handle = openSync(file, "a");
  try {
    // What is left after the last whole block goes in bytes.
    for (let size = block.length; size >= 1; size = Math.floor(size / 8))
      while (isWritten(handle, block.subarray(0, size))) {}
  } finally {
    closeSync(handle);
  }
  return Math.round(statSync(file).size / 2 ** 20);
}

function isWritten(handle: number, bytes: Buffer): boolean {
  try {
    return writeSync(handle, bytes) === bytes.length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOSPC") return false;
    throw error;
  }
}

async function finish({ service, owner, poster, dataDir, result }: Scene, cast: Cast): Promise<Comparison> {
  if (!(await untilDrained(owner, poster, drainMs)))
    result.problems.push("the embedded server's queues were not drained");
  await poster.stop();
  const client = new pg.Client({ host: path.join(dataDir, "postgres/socket"), user: LOGIN, database: LOGIN });
  await client.connect();
  const comparison = await compare(client, poster.acknowledged, cast);
  await client.end();
  await owner.end();
  const { code, signal } = await service.stop();
  if (code !== 0) result.problems.push(`the embedded process did not stop in order: ${signal ?? code}`);
  if (existsSync(path.join(dataDir, "postgres/data/postmaster.pid")))
    result.problems.push("the embedded server was left running");
  result.problems.push(...service.crashes);
  return comparison;
}

function postmasterOf(dataDir: string): number | undefined {
  const file = path.join(dataDir, "postgres/data/postmaster.pid");
  if (!existsSync(file)) return undefined;
  const pid = Number.parseInt(readFileSync(file, "utf8"), 10);
  return existsSync(`/proc/${pid}`) || process.platform !== "linux" ? pid : undefined;
}

/** A kill without anything behind it would prove little. */
async function acknowledgedMore(poster: Poster): Promise<void> {
  const before = count(poster, "200");
  await seen(() => (count(poster, "200") >= before + perSecond ? true : undefined), 20_000);
}

function count(poster: Poster, outcome: string): number {
  return poster.outcomes.get(outcome) ?? 0;
}
