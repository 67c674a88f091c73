import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

const prefix = "triveni-faults-";
const goneMs = 5_000;

/** The folder of one run. Every process of a run has its working directory inside, which is how it is found again. */
export interface Scratch {
  folder: string;
  sub(name: string): string;
  /** Kills what still runs inside, unmounts, removes. Waits without the event loop, so that it works while exiting. */
  remove(): void;
}

export function makeScratch(): Scratch {
  sweepKilledRuns();
  // On disk, where fsync is real.
  const folder = mkdtempSync(path.join(tmpdir(), `${prefix}${process.pid}-`));
  // As root PostgreSQL runs as another user, who has to pass through.
  chmodSync(folder, 0o711);
  return {
    folder,
    sub(name) {
      const made = path.join(folder, name);
      mkdirSync(made, { recursive: true });
      chmodSync(made, 0o711);
      return made;
    },
    remove: () => removeFolder(folder),
  };
}

/** A memory disk of so many megabytes at `folder`; says why there is none, where there can be none. */
export function mountMemoryDisk(folder: string, megabytes: number): { problem: string | undefined } {
  if (process.platform !== "linux") return { problem: `${process.platform} has no tmpfs` };
  if (process.getuid?.() !== 0) return { problem: "only root may mount a small disk" };
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m,mode=0711`, "tmpfs", folder]);
  return { problem: status === 0 ? undefined : `mount failed: ${String(stderr ?? "").trim() || "not installed"}` };
}

/** Processes whose working directory lies inside `folder`: our own children, and the servers that they left behind. */
export function processesIn(folder: string): number[] {
  if (process.platform !== "linux") return [];
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid && `${cwdOf(pid)}/`.startsWith(`${folder}/`));
}

export function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // Gone already.
  }
}

function cwdOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

/** A run that was itself killed could not clean up. */
function sweepKilledRuns(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : 0;
    const folder = path.join(tmpdir(), name);
    // Somebody else's folder is theirs to sweep.
    if (pid > 0 && !isAlive(pid) && statSync(folder).uid === process.getuid?.()) removeFolder(folder);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function removeFolder(folder: string): void {
  const deadline = performance.now() + goneMs;
  for (;;) {
    const left = processesIn(folder);
    if (left.length === 0 || performance.now() > deadline) break;
    for (const pid of left) killIfThere(pid);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }
  for (const name of readdirSync(folder)) spawnSync("umount", ["-l", path.join(folder, name)], { stdio: "ignore" });
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
