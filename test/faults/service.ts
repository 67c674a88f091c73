import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

const main = path.join(import.meta.dirname, "../../main.ts");
const restartMs = 200;
const stopMs = 20_000;

export interface LoggedLine {
  level: number;
  msg: string;
  url?: string;
  err?: { message?: string };
}

export interface Service {
  name: string;
  pid: number | undefined;
  /** Address of the web side, once it was ready for the first time. */
  url: string | undefined;
  isReady: boolean;
  /** Ended by itself after it had been ready: a fault of ours, whatever was killed around it. */
  crashes: string[];
  lines: LoggedLine[];
  start(): void;
  /** kill -9. Returns when the process is gone; it is started again by itself, as a supervisor would. */
  kill(): Promise<void>;
  /** Kills without waiting and says whether there was somebody to kill: for moments that must not pass. */
  strike(): boolean;
  /** kill -9, and not started again until `start`. */
  halt(): boolean;
  /** In order, by SIGTERM, and not started again. Says how it ended. */
  stop(): Promise<{ code: number | null; signal: string | null }>;
}

/** A process of Triveni as `npm start` runs it: main.ts and its settings. */
export function makeService(name: string, cwd: string, settings: Record<string, string>): Service {
  let child: ChildProcess | undefined;
  let mayRun = false;
  let wasStruck = false;

  const service: Service = {
    name,
    pid: undefined,
    url: undefined,
    isReady: false,
    crashes: [],
    lines: [],
    start() {
      mayRun = true;
      wasStruck = false;
      // Nothing of our own environment: what the harness was started with must not leak in.
      const env = { PATH: process.env["PATH"], ...settings };
      const started = spawn(process.execPath, [main], { cwd, env, stdio: ["ignore", "pipe", "pipe"] });
      child = started;
      service.pid = started.pid;
      service.isReady = false;
      createInterface({ input: started.stdout }).on("line", (line) => hear(line));
      createInterface({ input: started.stderr }).on("line", (msg) => service.lines.push({ level: 60, msg }));
      started.once("exit", (code, signal) => void ended(started, code, signal));
    },
    async kill() {
      const dying = child;
      if (service.strike() && dying) await once(dying, "exit");
    },
    strike() {
      if (!child || child.exitCode !== null || child.signalCode !== null) return false;
      wasStruck = true;
      service.isReady = false;
      return child.kill("SIGKILL");
    },
    halt() {
      mayRun = false;
      return service.strike();
    },
    async stop() {
      mayRun = false;
      const ending = child;
      if (!ending || ending.exitCode !== null || ending.signalCode !== null) return { code: null, signal: null };
      const gone = once(ending, "exit");
      ending.kill("SIGTERM");
      const timer = setTimeout(() => ending.kill("SIGKILL"), stopMs);
      const [code, signal] = await gone;
      clearTimeout(timer);
      return { code, signal };
    },
  };

  function hear(line: string): void {
    let heard: LoggedLine;
    try {
      heard = JSON.parse(line);
    } catch {
      heard = { level: 60, msg: line };
    }
    service.lines.push(heard);
    if (heard.msg !== "ready" || heard.url === undefined) return;
    service.isReady = true;
    service.url = heard.url;
  }

  async function ended(was: ChildProcess, code: number | null, signal: string | null): Promise<void> {
    if (was !== child) return;
    // Refusing to start while the database is away is right; ending in the middle of work is not.
    if (mayRun && !wasStruck && service.isReady)
      service.crashes.push(`${name} ended by itself (${signal ?? code}): ${service.lines.at(-1)?.msg ?? "no word"}`);
    service.isReady = false;
    service.pid = undefined;
    await sleep(restartMs);
    if (mayRun && was === child) service.start();
  }

  return service;
}
