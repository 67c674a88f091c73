import { Failure } from "#core/kit/failure.ts";
import { recordAndDrain } from "./apply-drain.ts";
import { measureLag } from "./apply-lag.ts";
import { countRows, insertSent, plainParts, seedStore, write } from "./apply-store.ts";
import { type Bench, missedOf, type Say } from "./bench.ts";
import { type BenchDatabase, withBenchDatabase } from "./bench-database.ts";
import type { PlainWorld } from "./data/plain-rows.ts";
import { makeStream, type Stream } from "./data/stream.ts";
import { type Machine, machineScale } from "./machine.ts";
import { startService } from "./service.ts";
import { median, percentile, rounded } from "./statistics.ts";

const WORKSPACES = 300;
const PEOPLE = 30_000;
const ROUNDS = Number(process.env["BENCH_ROUNDS"] ?? 3);
const CHANGES = 24_000;
const WARM_UP_CHANGES = 6_000;
const LAG_RATES = [500, 1_000];
const LAG_SECONDS = 12;

const BUDGET = { ratio: 0.4, perSecond: 3_000, lagP95Ms: 1_000 };
/** Slower than this, plain SQL could not reach the budget either. */
const REFERENCE_FLOOR = BUDGET.perSecond / BUDGET.ratio;

/** From recorded deliveries to the store, beside plain SQL that writes the same final rows (architecture 10). */
export const apply: Bench = {
  about: `texts and ticks of ${WORKSPACES} workspaces, a quarter of the texts from new people; about 2 minutes`,

  run: (say) =>
    withBenchDatabase(async (database) => {
      const machine = await machineScale(database, say);
      const from = yesterday();
      const world = await seedStore(database, { workspaces: WORKSPACES, people: PEOPLE, from });
      say(`seeded ${WORKSPACES} workspaces with ${PEOPLE} people`);
      const streams = streamMaker(database, world, from);
      const drain = await drainInTurn(database, world, streams, say);
      const lagP95Ms = await worstLag(database, world, streams, say);
      return judged({ ...drain, lagP95Ms }, machine);
    }),
};

interface Drain {
  reference: number;
  ours: number;
}

type Streams = (changes: number) => Promise<Stream>;

async function drainInTurn(database: BenchDatabase, world: PlainWorld, streams: Streams, say: Say): Promise<Drain> {
  const service = await startService(database.dataDir, "worker");
  const seen = { reference: [] as number[], ours: [] as number[] };
  try {
    for (let round = -1; round < ROUNDS; round++) {
      const changes = round < 0 ? WARM_UP_CHANGES : CHANGES;
      const [plainStream, ourStream] = [await streams(changes), await streams(changes)];
      const reference = await counted(database, () => plainly(database, world, plainStream));
      const ours = await counted(database, () => recordAndDrain(database, ourStream.changes));
      sameRows(reference.rows, ours.rows);
      if (round < 0) continue;
      const [plainRate, ourRate] = [reference, ours].map(({ ms }) => changes / (ms / 1000)) as [number, number];
      say(`plain SQL ${rounded(plainRate)} changes/s, ours ${rounded(ourRate)}: ${rounded(ourRate / plainRate)}`);
      seen.reference.push(plainRate);
      seen.ours.push(ourRate);
    }
  } finally {
    await service.stop();
  }
  return { reference: median(seen.reference), ours: median(seen.ours) };
}

async function plainly(database: BenchDatabase, world: PlainWorld, stream: Stream): Promise<number> {
  const parts = await plainParts(database, world, stream);
  const beganMs = performance.now();
  for (const part of parts) await write(database.worker, part);
  return performance.now() - beganMs;
}

async function worstLag(database: BenchDatabase, world: PlainWorld, streams: Streams, say: Say): Promise<number> {
  const service = await startService(database.dataDir, "web,worker");
  const worst: number[] = [];
  try {
    for (const perSecond of LAG_RATES) {
      const { changes } = await streams(perSecond * LAG_SECONDS);
      const lag = await measureLag(database, world, { port: service.port, perSecond, changes });
      const [p50, p95] = [0.5, 0.95].map((share) => percentile(lag.lagsMs, share)) as [number, number];
      say(
        `${rounded(lag.perSecond)} deliveries/s posted: applied after p50 ${rounded(p50)} ms, p95 ${rounded(p95)} ms`,
      );
      worst.push(p95);
    }
  } finally {
    await service.stop();
  }
  return Math.max(...worst);
}

/** Each stream has people, messages and times of its own; what its ticks are about is put into the store first. */
function streamMaker(database: BenchDatabase, world: PlainWorld, from: Date): Streams {
  let made = 0;
  return async (changes) => {
    made += 1;
    const stream = makeStream({
      ...{ seed: made, workspaces: WORKSPACES, knownPeople: PEOPLE, changes, from },
      ...{ firstNewPerson: made * 10_000_000, firstSerial: made * 10_000_000 },
    });
    await insertSent(database, world, stream);
    return stream;
  };
}

async function counted(database: BenchDatabase, work: () => Promise<number>) {
  const before = await countRows(database.owner);
  const ms = await work();
  const after = await countRows(database.owner);
  const rows = [...after].map(([table, count]) => `${table} ${count - (before.get(table) ?? 0)}`);
  return { ms, rows: rows.toSorted().join(", ") };
}

/** Two ways are only compared when they leave the same behind. */
function sameRows(reference: string, ours: string): void {
  if (reference === ours) return;
  throw new Failure("conflict", "bench.rows_differ", `Plain SQL left ${reference}; we left ${ours}.`);
}

function judged({ reference, ours, lagP95Ms }: Drain & { lagP95Ms: number }, { scale, missed }: Machine) {
  const ratio = ours / reference;
  const [wanted, floor, lagMax] = [BUDGET.perSecond * scale, REFERENCE_FLOOR * scale, BUDGET.lagP95Ms / scale];
  return {
    figures: { ratio: rounded(ratio), perSecond: rounded(ours), lagP95Ms: rounded(lagP95Ms) },
    missed: [
      ...missed,
      ...missedOf([
        [
          reference >= floor,
          `plain SQL reached ${rounded(reference)} changes/s of ${rounded(floor)}: this machine cannot tell`,
        ],
        [ratio >= BUDGET.ratio, `${rounded(ratio)} of plain SQL, wanted ${BUDGET.ratio}`],
        [
          ours >= wanted,
          `${rounded(ours)} changes/s, wanted ${rounded(wanted)} (${BUDGET.perSecond} on the budget's machine)`,
        ],
        [lagP95Ms <= lagMax, `p95 of the lag is ${rounded(lagP95Ms)} ms, at most ${rounded(lagMax)} wanted`],
      ]),
    ],
  };
}

/** Noon of yesterday: everything is over by now, and within one day. */
function yesterday(): Date {
  const day = new Date();
  day.setUTCDate(day.getUTCDate() - 1);
  day.setUTCHours(12, 0, 0, 0);
  return day;
}
