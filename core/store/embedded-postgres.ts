import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "#core/kit/failure.ts";
import { embeddedBinaries } from "./embedded-binaries.ts";
import { embeddedData } from "./embedded-data.ts";
import { embeddedHome, socketHome, spawnedAs } from "./embedded-home.ts";
import { isServing, type PostmasterLock, readLock, settleLock } from "./postmaster-lock.ts";
import { inStartTurn } from "./start-turn.ts";

export interface EmbeddedOptions {
  dataDir: string;
  /** Server settings such as `fsync=off`: tests only, production changes none. */
  settings?: readonly string[] | undefined;
  /** An npm package, or the folder of one, with other programs than the installed PostgreSQL 18. */
  binaries?: string | undefined;
}

export interface EmbeddedPostgres {
  /** Host for pg: a socket in a folder that only PostgreSQL's user may enter, so neither port nor password is needed. */
  socketDir: string;
  pid: number;
  /** A server that an earlier or another process of ours had started was taken over. */
  adopted: boolean;
  /** The earlier server did not stop in order; PostgreSQL has replayed its log. */
  recovered: boolean;
  /** Resolves when the server is no longer there, whoever started it, or when the signal is given. */
  gone(signal?: AbortSignal): Promise<void>;
  /** Stops it for every process that uses it: see server-use.ts for who may. */
  stop(): Promise<void>;
}

const WATCH_MS = 100;
const POLL_MS = 10;

/** First a fast stop, which ends sessions and writes a checkpoint; then an immediate one, which the next start recovers from. */
const STOP_STEPS = [
  { signal: "SIGINT", waitMs: 20_000 },
  { signal: "SIGQUIT", waitMs: 5_000 },
] as const;

const SETTINGS = ["listen_addresses=", "port=5432", "unix_socket_permissions=0700"];

/**
 * A running PostgreSQL of ours on `dataDir`: the one that is already there, or one started now. May be called by any number
 * of processes at once; all get the same server. It outlives its starter, so a killed Node process costs no recovery.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const home = embeddedHome(options.dataDir);
  return inStartTurn(home, async () => {
    const binaries = embeddedBinaries(home, options.binaries);
    const data = await embeddedData(home, binaries);
    const socketDir = socketHome(home);
    const { running, stale } = await settleLock(data, socketDir);
    if (running !== undefined) return handle(data, running, { adopted: true, recovered: false });

    const child = spawnServer({ bin: binaries.bin, home, data, socketDir, settings: options.settings ?? [] });
    const started = await untilReady(child, data, socketDir);
    if (started === undefined) throw notStarted(home);
    return handle(data, started, { adopted: started.pid !== child.pid, recovered: stale });
  });
}

interface ServerPlaces {
  bin: string;
  home: string;
  data: string;
  socketDir: string;
  settings: readonly string[];
}

function spawnServer({ bin, home, data, socketDir, settings }: ServerPlaces): ChildProcess {
  const flags = [...SETTINGS, ...settings].flatMap((setting) => ["-c", setting]);
  // A file, not a pipe: a server that outlives us keeps its log.
  const log = openSync(path.join(home, "postgres.log"), "a");
  // Detached: Ctrl-C in the terminal must reach only us, who stop the server in its turn.
  const child = spawn(path.join(bin, "postgres"), ["-D", data, "-k", socketDir, ...flags], {
    ...spawnedAs,
    cwd: home,
    detached: true,
    stdio: ["ignore", log, log],
  });
  closeSync(log);
  child.unref();
  return child;
}

async function untilReady(child: ChildProcess, data: string, socketDir: string): Promise<PostmasterLock | undefined> {
  let spawnError: Error | undefined;
  child.once("error", (error) => {
    spawnError = error;
  });
  for (;;) {
    const lock = readLock(data);
    if (lock?.pid === child.pid && lock?.status === "ready") return lock;
    if (spawnError !== undefined) throw spawnError;
    // It ended: where no start turn exists, another process of ours may have been first.
    if (child.exitCode !== null || child.signalCode !== null) return (await settleLock(data, socketDir)).running;
    await sleep(POLL_MS);
  }
}

function handle(
  data: string,
  { pid, socketDir }: PostmasterLock,
  how: { adopted: boolean; recovered: boolean },
): EmbeddedPostgres {
  const isRunning = () => readLock(data)?.pid === pid && isServing(pid, data);

  return {
    socketDir,
    pid,
    ...how,
    // Looks instead of waiting for an exit event, because a server that was taken over is not our child.
    async gone(signal) {
      while (isRunning() && !signal?.aborted) await sleep(WATCH_MS, undefined, { ref: false });
    },
    async stop() {
      if (!isRunning()) return;
      for (const { signal, waitMs } of STOP_STEPS) {
        process.kill(pid, signal);
        // Until the process itself has left: it gives up its lock file a moment earlier, and still holds its folder then.
        for (let waitedMs = 0; waitedMs < waitMs; waitedMs += POLL_MS) {
          if (!isServing(pid, data)) return;
          await sleep(POLL_MS);
        }
      }
    },
  };
}

function notStarted(home: string): Failure {
  const message = `PostgreSQL did not start; the reason is in ${path.join(home, "postgres.log")}.`;
  return new Failure("unavailable", "store.postgres_start", message);
}
