import { chmodSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { Failure } from "#core/kit/failure.ts";
import { isServing, readLock } from "#core/store/postmaster-lock.ts";

const PREFIX = "triveni-bench-";

/** File systems that keep nothing: a commit there costs no disk, so nothing measured there would be true. */
const MEMORY_TYPES = new Set([0x01021994, 0x858458f6]);

/** A new folder on a real disk: BENCH_DIR, else the first usual place that is one. */
export function makeBenchFolder(): string {
  sweepBenchFolders();
  const folder = mkdtempSync(path.join(benchHome(), `${PREFIX}${process.pid}-`));
  // As root PostgreSQL runs as another user, who has to pass through.
  if (process.getuid?.() === 0) chmodSync(folder, 0o711);
  return folder;
}

/** On the way out after an error or a signal: everything that this process made. */
export function removeBenchFolders(): void {
  for (const { folder, pid } of benchFolders()) if (pid === process.pid) removeBenchFolder(folder);
}

/** A killed run may have left a server and gigabytes behind. */
function sweepBenchFolders(): void {
  for (const { folder, pid } of benchFolders())
    if (!isAlive(pid) && statSync(folder).uid === process.getuid?.()) removeBenchFolder(folder);
}

/** Ends a server that still runs in it. */
export function removeBenchFolder(folder: string): void {
  const data = path.join(folder, "postgres/data");
  const lock = readLock(data);
  if (lock !== undefined && isServing(lock.pid, data)) process.kill(lock.pid, "SIGQUIT");
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
}

function benchFolders(): { folder: string; pid: number }[] {
  const home = benchHome();
  return readdirSync(home).flatMap((name) => {
    const pid = /^triveni-bench-(\d+)-/.exec(name)?.[1];
    return pid === undefined ? [] : [{ folder: path.join(home, name), pid: Number(pid) }];
  });
}

function benchHome(): string {
  const places = [process.env["BENCH_DIR"], tmpdir(), "/var/tmp", process.cwd()];
  const disk = places.find((place) => place && !MEMORY_TYPES.has(statfsSync(place).type));
  if (disk) return disk;
  const message = `${places.filter(Boolean).join(", ")} all lie in memory: set BENCH_DIR to a folder on a disk.`;
  throw new Failure("invalid", "bench.no_disk", message);
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
