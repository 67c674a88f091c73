import { EventEmitter } from "node:events";
import { Logger, run, runMigrations, type WorkerEvents } from "graphile-worker";
import type pg from "pg";
import type { Log } from "#core/kit/log.ts";
import type { JobKind } from "./catalog.ts";
import { type Heartbeat, startHeartbeat } from "./heartbeat.ts";

export interface Task<Payload = unknown> {
  kind: JobKind<Payload>;
  work(payload: Payload): Promise<void>;
}

export interface JobRunner {
  stop(): Promise<void>;
}

const concurrency = 2;

/** A task with its payload parsed where it enters. */
export function task<Payload>(kind: JobKind<Payload>, work: (payload: Payload) => Promise<void>): Task {
  return { kind: kind as JobKind<unknown>, work: (payload) => work(kind.payload.parse(payload)) };
}

/** Runs rare jobs as the owner. Signals are the app's; a killed process's jobs are free again within a minute. */
export async function startJobs(owner: pg.Pool, log: Log, tasks: readonly Task[]): Promise<JobRunner> {
  const logger = new Logger(() => (level, message) => log[level === "warning" ? "warn" : level](message));
  await runMigrations({ pgPool: owner, logger });
  // Listened to before the run begins: it makes its workers at once.
  const events: WorkerEvents = new EventEmitter();
  const workerIds = new Set<string>();
  events.on("worker:create", ({ worker }) => workerIds.add(worker.workerId));
  const runner = await run({
    pgPool: owner,
    events,
    logger,
    concurrency,
    noHandleSignals: true,
    parsedCronItems: [],
    pollInterval: 5_000,
    taskList: Object.fromEntries(tasks.map(({ kind, work }) => [kind.name, (payload: unknown) => work(payload)])),
  });
  const heartbeat: Heartbeat = await startHeartbeat(owner, log, workerIds);
  return {
    async stop() {
      await heartbeat.stop();
      await runner.stop();
    },
  };
}
