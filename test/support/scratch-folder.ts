import { chmodSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { isServing, readLock } from "#core/store/postmaster-lock.ts";

const MEMORY = "/dev/shm";
const MEMORY_BYTES_MIN = 1024 ** 3;
const PREFIX = "triveni-test-";

/** A new folder for a test server's data: in memory where there is room (Docker gives 64 MB by default), else on disk. */
export function makeScratchFolder(): string {
  const folder = mkdtempSync(path.join(scratchHome(), `${PREFIX}${process.pid}-`));
  // As root PostgreSQL runs as another user, who has to pass through.
  if (process.getuid?.() === 0) chmodSync(folder, 0o711);
  return folder;
}

export function removeScratchFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Ends the servers and removes the data of test runs that were killed: they would hold memory for ever. */
export function sweepScratchFolders(): void {
  const home = scratchHome();
  for (const name of readdirSync(home)) {
    const pid = /^triveni-test-(\d+)-/.exec(name)?.[1];
    const folder = path.join(home, name);
    if (pid === undefined || isAlive(Number(pid)) || statSync(folder).uid !== process.getuid?.()) continue;
    const data = path.join(folder, "postgres/data");
    const lock = readLock(data);
    if (lock !== undefined && isServing(lock.pid, data)) process.kill(lock.pid, "SIGQUIT");
    removeScratchFolder(folder);
  }
}

function scratchHome(): string {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize > MEMORY_BYTES_MIN ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
