import type { DeliveriesResult } from "./deliveries.ts";

/** What a person reads at the end of a run. */
export function printResult({ comparison, tally, outcomes, drainedSeconds, problems }: DeliveriesResult): string[] {
  const { acknowledged, applied, parked, lost, duplicated, differences } = comparison;
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
    ...differences.map((line) => `difference: ${line}`),
    ...tally.missed.map((gap) => `gap not met: ${gap}`),
    ...problems.map((problem) => `problem: ${problem}`),
    "",
    `acknowledged ${acknowledged}, applied ${applied}, parked ${parked}, lost ${lost}, duplicated ${duplicated}`,
    drainedSeconds === undefined
      ? "not drained"
      : `drained ${drainedSeconds.toFixed(1)} s after the last kill`,
  ];
}
