import { parseArgs } from "node:util";
import { type DeliveriesResult, runDeliveries } from "./deliveries.ts";
import { type EmbeddedResult, runEmbedded } from "./embedded.ts";
import { printEmbedded, printResult } from "./printed.ts";
import { makeScratch } from "./scratch.ts";

const usage = "npm run faults -- [--scenario deliveries] [--kills N] [--seed K]";
const drainedSecondsMax = 60;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      scenario: { type: "string", default: "deliveries" },
      kills: { type: "string", default: "30" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
    },
  });
  const [kills, seed] = [Number(values.kills), Number(values.seed)];
  if (values.scenario !== "deliveries" || !Number.isInteger(kills) || kills < 0 || !Number.isInteger(seed)) {
    console.error(`Use: ${usage}`);
    return 2;
  }

  const scratch = makeScratch();
  // Whatever ends us, nothing of ours stays behind.
  process.on("exit", () => scratch.remove());
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => process.exit(130));
  const startedMs = performance.now();
  const seconds = () => ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
  const tell = (line: string) => console.log(`${seconds()} s  ${line}`);
  tell(`scenario deliveries, ${kills} kills at random after one in every gap, seed ${seed}`);

  const result = await runDeliveries({ kills, seed, scratch, tell });
  const embedded = await runEmbedded({ seed, scratch, tell });
  for (const line of [...printResult(result), ...printEmbedded(embedded)]) console.log(line);
  return isGood(result) && isKept(embedded) ? 0 : 1;
}

function isKept({ comparison: { acknowledged, lost, duplicated }, problems }: EmbeddedResult): boolean {
  return acknowledged > 0 && lost === 0 && duplicated === 0 && problems.length === 0;
}

function isGood({ comparison, tally, drainedSeconds, problems }: DeliveriesResult): boolean {
  const { lost, duplicated, acknowledged } = comparison;
  const isDrained = drainedSeconds !== undefined && drainedSeconds <= drainedSecondsMax;
  return lost === 0 && duplicated === 0 && acknowledged > 0 && isDrained && problems.length + tally.missed.length === 0;
}

process.exit(await main());
