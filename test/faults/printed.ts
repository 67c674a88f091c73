import type { Comparison } from "./comparison.ts";
import type { DeliveriesResult } from "./deliveries.ts";
import type { EmbeddedResult } from "./embedded.ts";

/** What a person reads at the end of a run. */
export function printResult({ comparison, tally, outcomes, drainedSeconds, problems }: DeliveriesResult): string[] {
  const kills = [...tally.counts].map(([gap, victims]) => {
    const by = [...victims].map(([name, count]) => `${name} ${count}`).join(", ");
    return `  ${gap.padEnd(44)} ${by}`;
  });
  const answers = [...outcomes].map(([outcome, count]) => `${outcome} ${count}`).join(", ");
  return [
    "",
    `kills ${tally.total}`,
    ...kills,
    `answers: ${answers}`,
    ...differencesOf(comparison),
    ...tally.missed.map((gap) => `gap not met: ${gap}`),
    ...problems.map((problem) => `problem: ${problem}`),
    "",
    countsOf(comparison),
    drainedSeconds === undefined ? "not drained" : `drained ${drainedSeconds.toFixed(1)} s after the last kill`,
  ];
}

export function printEmbedded({ comparison, done, skipped, problems }: EmbeddedResult): string[] {
  return [
    "",
    "one process on its embedded PostgreSQL",
    ...[...done, ...skipped].map((line) => `  ${line}`),
    ...differencesOf(comparison),
    ...problems.map((problem) => `problem: ${problem}`),
    countsOf(comparison),
  ];
}

function countsOf({ acknowledged, applied, parked, lost, duplicated }: Comparison): string {
  return `acknowledged ${acknowledged}, applied ${applied}, parked ${parked}, lost ${lost}, duplicated ${duplicated}`;
}

function differencesOf({ differences }: Comparison): string[] {
  return differences.map((line) => `difference: ${line}`);
}
