import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "#core/kit/failure.ts";

export interface PostmasterLock {
  pid: number;
  socketDir: string;
  /** "starting", "ready", "stopping" or "standby", as PostgreSQL keeps it in the eighth line. */
  status: string;
}

const POLL_MS = 20;
const SETTLE_MS_MAX = 60_000;

export function readLock(data: string): PostmasterLock | undefined {
  try {
    const line = readFileSync(path.join(data, "postmaster.pid"), "utf8").split("\n");
    return { pid: Number(line[0]), socketDir: line[4] ?? "", status: (line[7] ?? "").trim() };
  } catch {
    return undefined;
  }
}

/** True while process `pid` serves `data`. A postmaster's working directory is its data; a zombie or a reused number has another. */
export function isServing(pid: number, data: string): boolean {
  try {
    if (process.platform === "linux") return readlinkSync(`/proc/${pid}/cwd`) === data;
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/**
 * Waits until a server of `data` is ready or certainly gone. Locks of one that is gone are cleared, since PostgreSQL would
 * trust a reused or zombie pid in them: `stale` tells that there were some, which means that the server did not stop in order.
 */
export async function settleLock(
  data: string,
  socketDir: string,
): Promise<{ running?: PostmasterLock; stale: boolean }> {
  const deadline = performance.now() + SETTLE_MS_MAX;
  while (performance.now() < deadline) {
    const lock = readLock(data);
    if (lock !== undefined && isServing(lock.pid, data)) {
      if (lock.status === "ready") return { running: lock, stale: false };
    } else if (lastBackendLeft(data)) {
      return { stale: clearStale(data, socketDir) };
    }
    await sleep(POLL_MS); // starting, recovering, or stopping
  }
  const message = `PostgreSQL in ${data} neither starts nor stops; postgres.log beside it may say why. Stop the process that postmaster.pid names, then start again.`;
  throw new Failure("unavailable", "store.postgres_stuck", message);
}

/** Backends outlive a killed postmaster for a moment, and still write. */
function lastBackendLeft(data: string): boolean {
  if (process.platform !== "linux") return true;
  return !readdirSync("/proc").some((entry) => Number(entry) > 0 && isServing(Number(entry), data));
}

function clearStale(data: string, socketDir: string): boolean {
  const pidFile = path.join(data, "postmaster.pid");
  const wasServed = existsSync(pidFile);
  for (const file of [pidFile, path.join(socketDir, ".s.PGSQL.5432.lock")]) {
    if (existsSync(file) && !isServing(Number.parseInt(readFileSync(file, "utf8"), 10), data)) rmSync(file);
  }
  return wasServed;
}
