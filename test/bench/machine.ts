import { missedOf, type Say } from "./bench.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { startIngestReference } from "./ingest-reference.ts";
import { startLoad } from "./load/load.ts";
import { APP_SECRET } from "./service.ts";
import { rounded } from "./statistics.ts";

/** Acks a second of the bare server on the machine that the absolute budgets are written for (architecture 10). */
const BUDGET_MACHINE = 31_000;
const PLAN = { connections: 64, warmUpMs: 1_000, measuredMs: 3_000 };
const BODIES = 10_000;

export interface Machine {
  scale: number;
  missed: string[];
}

/** A machine so much slower, or so busy, says nothing about absolute budgets. */
const SCALE_FLOOR = 0.4;

/**
 * How fast this machine is beside that one, by the bare acknowledging server: absolute budgets are scaled with it. Our load
 * generator takes more of the two cores than the one they were measured with, so the scale is a little on the kind side.
 */
export async function machineScale(database: BenchDatabase, say: Say): Promise<Machine> {
  const load = await startLoad(APP_SECRET, BODIES);
  const reference = await startIngestReference(database.connection, APP_SECRET);
  try {
    const { perSecond } = await load.run({ ...PLAN, port: reference.port });
    const scale = perSecond / BUDGET_MACHINE;
    say(`machine: bare ack ${rounded(perSecond)}/s, ${rounded(scale)} of the machine that absolute budgets are for`);
    const reached = `the bare server reached ${rounded(perSecond)} acks/s: too busy or slow to judge absolute budgets`;
    return { scale, missed: missedOf([[scale >= SCALE_FLOOR, reached]]) };
  } finally {
    reference.stop();
    load.stop();
  }
}
