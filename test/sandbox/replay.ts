// npm run replay -- DIR [--expect FILE] [--write FILE]
// Posts every webhook body of DIR to a Triveni of its own and prints what each one did.
import { existsSync, statSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { DeliveryOutcome } from "./delivery-outcome.ts";
import { compareTables, differenceLines, type EffectTable, readEffectTable } from "./expected-effects.ts";
import { type ReplayedFile, replayFolder, webhookFiles } from "./replay-folder.ts";
import { startReplaySandbox } from "./replay-sandbox.ts";

const USAGE = "Usage: npm run replay -- DIR [--expect FILE] [--write FILE]";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { expect: { type: "string" }, write: { type: "string" } },
});
const [folder] = positionals;
const problem = problemOf(folder);
if (folder === undefined || problem !== undefined) {
  console.error(problem ?? USAGE);
  process.exit(1);
}
process.exitCode = await replay(folder);

function problemOf(dir: string | undefined): string | undefined {
  if (dir === undefined) return USAGE;
  if (!existsSync(dir) || !statSync(dir).isDirectory()) return `${dir} is no folder. ${USAGE}`;
  if (webhookFiles(dir).length === 0) return `${dir} holds no webhook bodies (*.json; api-* and es-* are none).`;
  if (values.expect !== undefined && !existsSync(values.expect)) return `${values.expect} does not exist. ${USAGE}`;
  return undefined;
}

async function replay(dir: string): Promise<number> {
  const sandbox = await startReplaySandbox();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void leave(sandbox.stop()));
  const files: ReplayedFile[] = [];
  try {
    for await (const one of replayFolder(sandbox, dir)) {
      files.push(one);
      console.log([one.file, ...one.effects.map((line) => `  ${line}`)].join("\n"));
    }
  } finally {
    await sandbox.stop();
  }
  const table: EffectTable = Object.fromEntries(files.map(({ file, effects }) => [file, effects]));
  if (values.write !== undefined) writeFileSync(values.write, `${JSON.stringify(table, null, 2)}\n`);
  printKept(files);
  const isAsExpected = values.expect === undefined || printDifference(readEffectTable(values.expect), table);
  const sum = sumOf(files);
  if (sum.unrouted > 0) console.log(`${sum.unrouted} wait for a number or WABA that is not connected`);
  const { changes, applied, kept, parked, lost } = sum;
  console.log(
    `${files.length} files, ${changes} changes, ${applied} applied, ${kept} kept, ${parked} parked, ${lost} lost`,
  );
  return lost > 0 || !isAsExpected ? 1 : 0;
}

/** Interrupted: the server and its folder must not stay behind. */
async function leave(stopped: Promise<void>): Promise<void> {
  await stopped;
  process.exit(1);
}

function printKept(files: readonly ReplayedFile[]): void {
  const kept = files.flatMap(({ effects }) => effects.filter((line) => line.startsWith("kept ")));
  if (kept.length === 0) return;
  console.log("\nkept by name:");
  for (const [name, lines] of Map.groupBy(kept, (line) => line)) console.log(`  ${lines.length} × ${name.slice(5)}`);
}

function printDifference(expected: EffectTable, actual: EffectTable): boolean {
  const differences = compareTables(expected, actual);
  console.log(`\n${differences.length} files differ from ${values.expect} (- expected, + done)`);
  for (const difference of differences) console.log(differenceLines(difference).join("\n"));
  return differences.length === 0;
}

function sumOf(files: readonly ReplayedFile[]): DeliveryOutcome {
  const sum: DeliveryOutcome = { changes: 0, applied: 0, kept: 0, parked: 0, unrouted: 0, lost: 0 };
  for (const { outcome } of files)
    for (const key of Object.keys(sum) as (keyof DeliveryOutcome)[]) sum[key] += outcome[key];
  return sum;
}
