import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { seedStore } from "./apply-store.ts";
import { type Bench, missedOf, type Say } from "./bench.ts";
import { withDatabaseIn } from "./bench-database.ts";
import { makeBenchFolder, removeBenchFolder } from "./bench-folder.ts";
import { type Machine, machineScale } from "./machine.ts";
import { startService } from "./service.ts";
import { median, rounded } from "./statistics.ts";

const STARTS = 5;
const IDLE_MS = 5_000;
const DATA = { workspaces: 300, people: 30_000 };

const BUDGET = { readyMs: 2_000, rssMb: 200 };

/** From nothing running to ready, the embedded server included, on data of an earlier run (architecture 10). */
export const start: Bench = {
  about: `main.ts ${STARTS} times on existing data, until /readyz answers 200; about 1 minute`,

  async run(say) {
    const dataDir = makeBenchFolder();
    try {
      const machine = await withDatabaseIn(dataDir, async (database) => {
        await seedStore(database, { ...DATA, from: new Date() });
        return machineScale(database, say);
      });
      return judged(await startOften(dataDir, say), machine);
    } finally {
      removeBenchFolder(dataDir);
    }
  },
};

interface Start {
  readyMs: number;
  rssMb: number;
}

async function startOften(dataDir: string, say: Say): Promise<Start[]> {
  const starts: Start[] = [];
  for (let at = 0; at < STARTS; at++) {
    const service = await startService(dataDir, "web,worker");
    // Memory is asked for once: it needs the wait.
    if (at === STARTS - 1) await sleep(IDLE_MS);
    const { readyMs } = service;
    const rssMb = residentMb(service.pid);
    await service.stop();
    say(`ready after ${rounded(readyMs)} ms, ${rounded(rssMb)} MB`);
    starts.push({ readyMs, rssMb });
  }
  return starts;
}

/** Resident memory of the Node process, PostgreSQL not counted. Small images of Linux have no `ps`, others no /proc. */
function residentMb(pid: number): number {
  const file = `/proc/${pid}/status`;
  const kilobytes = existsSync(file)
    ? /^VmRSS:\s+(\d+)/m.exec(readFileSync(file, "utf8"))?.[1]
    : execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  return Number(kilobytes) / 1024;
}

function judged(starts: readonly Start[], { scale, missed }: Machine) {
  const readyMs = median(starts.map((one) => one.readyMs));
  const rssMb = starts.at(-1)?.rssMb ?? Number.NaN;
  const readyMax = BUDGET.readyMs / scale;
  return {
    figures: { readyMs: rounded(readyMs), rssMb: rounded(rssMb) },
    missed: [
      ...missed,
      ...missedOf([
        [readyMs <= readyMax, `ready after ${rounded(readyMs)} ms, at most ${rounded(readyMax)} wanted`],
        [rssMb <= BUDGET.rssMb, `${rounded(rssMb)} MB when idle, at most ${BUDGET.rssMb} wanted`],
      ]),
    ],
  };
}
