import type { Bench, Say } from "./bench.ts";
import { missedOf } from "./bench.ts";
import { withBenchDatabase } from "./bench-database.ts";
import { startIngestReference } from "./ingest-reference.ts";
import { type Load, startLoad } from "./load/load.ts";
import type { RoundResult } from "./load/round.ts";
import { APP_SECRET, startService } from "./service.ts";
import { median, rounded } from "./statistics.ts";

const CONNECTIONS = 64;
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 5);
const WARM_UP_MS = 1_000;
const MEASURED_MS = Number(process.env["BENCH_ROUND_MS"] ?? 4_000);
/** Distinct bodies, used in turn. */
const BODIES = 50_000;

const BUDGET = { ratio: 0.8, p99Ratio: 2 };
const REFERENCE_FLOOR = 20_000;

/** Acknowledging a webhook durably, beside a bare server that does no more than it must (architecture 10). */
export const ingest: Bench = {
  about: `${CONNECTIONS} connections post signed webhooks of 1 KB, the reference and main.ts in turn; about 1 minute`,

  run: (say) =>
    withBenchDatabase(async (database) => {
      const load = await startLoad(APP_SECRET, BODIES);
      const reference = await startIngestReference(database.connection, APP_SECRET);
      const service = await startService(database.dataDir, "web");
      try {
        const rounds = await inTurn(load, { reference: reference.port, ours: service.port }, say);
        return judged(rounds, say);
      } finally {
        await service.stop();
        reference.stop();
        load.stop();
      }
    }),
};

interface Rounds {
  reference: RoundResult[];
  ours: RoundResult[];
}

/** Alternating, so that whatever else the machine does falls on both. */
async function inTurn(load: Load, ports: { reference: number; ours: number }, say: Say): Promise<Rounds> {
  const rounds: Rounds = { reference: [], ours: [] };
  const plan = { connections: CONNECTIONS, warmUpMs: WARM_UP_MS, measuredMs: MEASURED_MS };
  for (let round = 0; round < ROUNDS; round++) {
    for (const who of ["reference", "ours"] as const) {
      const result = await load.run({ ...plan, port: ports[who] });
      rounds[who].push(result);
      const { perSecond, p50Ms, p99Ms } = result;
      say(`${who.padEnd(9)} ${rounded(perSecond)} acks/s, p50 ${rounded(p50Ms)} ms, p99 ${rounded(p99Ms)} ms`);
    }
  }
  return rounds;
}

function judged({ reference, ours }: Rounds, say: Say) {
  const of = (rounds: RoundResult[], key: keyof RoundResult) => median(rounds.map((round) => round[key]));
  const floor = of(reference, "perSecond");
  const ratio = of(ours, "perSecond") / floor;
  const p99Ratio = of(ours, "p99Ms") / of(reference, "p99Ms");
  say(`medians: reference ${rounded(floor)}/s, p99 ${rounded(of(reference, "p99Ms"))} ms`);
  return {
    figures: { ratio: rounded(ratio), p99Ratio: rounded(p99Ratio), perSecond: rounded(of(ours, "perSecond")) },
    missed: missedOf([
      [
        floor >= REFERENCE_FLOOR,
        `the reference reached ${rounded(floor)}/s of ${REFERENCE_FLOOR}: this machine cannot tell`,
      ],
      [ratio >= BUDGET.ratio, `${rounded(ratio)} of the reference's throughput, wanted ${BUDGET.ratio}`],
      [
        p99Ratio <= BUDGET.p99Ratio,
        `p99 is ${rounded(p99Ratio)} times the reference's, at most ${BUDGET.p99Ratio} wanted`,
      ],
    ]),
  };
}
