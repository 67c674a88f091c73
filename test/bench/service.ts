import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Failure } from "#core/kit/failure.ts";

const MAIN = path.join(import.meta.dirname, "../../main.ts");
const READY_MS_MAX = 60_000;
const STOP_MS_MAX = 20_000;

/** One secret for the process under test and for whoever signs. */
export const APP_SECRET = randomBytes(16).toString("hex");

export interface Service {
  pid: number;
  port: number;
  /** From spawning Node until /readyz answered 200. */
  readyMs: number;
  stop(): Promise<void>;
}

/**
 * `main.ts` in a process of its own, as `npm start` runs it, on the embedded database in `dataDir`. PROFILE_DIR makes it
 * write a CPU profile there when it stops.
 */
export async function startService(dataDir: string, roles: "web" | "worker" | "web,worker"): Promise<Service> {
  const port = await freePort();
  const beganMs = performance.now();
  const profile = process.env["PROFILE_DIR"];
  const args = [...(profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : []), MAIN];
  // Its own folder, so that no .env of somebody who develops here has a say.
  const child = spawn(process.execPath, args, {
    cwd: dataDir,
    env: { ...settings(dataDir, roles), PORT: String(port) },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let told = "";
  child.stderr?.on("data", (chunk) => {
    told += chunk;
  });
  try {
    await untilReady(child, port, () => told);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  const readyMs = performance.now() - beganMs;
  return { pid: child.pid as number, port, readyMs, stop: () => stop(child) };
}

function settings(dataDir: string, roles: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    ROLES: roles,
    PUBLIC_URL: "http://127.0.0.1",
    DATA_DIR: dataDir,
    META_APP_ID: "bench",
    META_APP_SECRET: APP_SECRET,
    META_VERIFY_TOKEN: "bench",
    // Nobody is there: nothing in a benchmark may reach out.
    META_GRAPH_URL: "http://127.0.0.1:9",
  };
}

async function untilReady(child: ChildProcess, port: number, told: () => string): Promise<void> {
  const deadlineMs = performance.now() + READY_MS_MAX;
  while (performance.now() < deadlineMs) {
    if (child.exitCode !== null) throw notReady(`ended with code ${child.exitCode}: ${told()}`);
    const status = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    await sleep(5);
  }
  throw notReady(`did not become ready in ${READY_MS_MAX / 1000} s: ${told()}`);
}

function notReady(how: string): Failure {
  return new Failure("unavailable", "bench.service", `main.ts ${how}`);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS_MAX);
  await ended;
  clearTimeout(timer);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}
