import { WorkspaceId } from "#core/domain/ids.ts";
import { systemClock } from "#core/kit/clock.ts";
import { sql } from "#core/store/sql.ts";
import { beforeCursor } from "#core/views/cursors.ts";
import { timelinePage } from "#core/views/timeline.ts";
import { type Bench, missedOf, type Say } from "./bench.ts";
import type { BenchDatabase } from "./bench-database.ts";
import { withBenchDatabase } from "./bench-database.ts";
import { fillLongStore, type LongStore, recordOf } from "./data/long-store.ts";
import { conversationOf, kindOf, longStoreShape, sentAtUs } from "./data/long-store-shape.ts";
import { seededRandom } from "./data/random.ts";
import { percentile, rounded } from "./statistics.ts";

const WORKSPACES = 300;
export const LONG = Number(process.env["BENCH_MESSAGES"] ?? 10_000_000);
const SHORT = 100_000;
const PAGE = 50;
const WARM_UP_PAGES = 500;
const ROUNDS = 6;
const PAGES_PER_ROUND = 400;

const BUDGET = { p95Ratio: 1.3, gigabytes: 6 };
const GIGABYTE = 1024 ** 3;
/** Beside a reference slower than this, a machine is too busy to tell. */
const REFERENCE_P95_MS_MAX = 20;

/** A page of a record's timeline out of many messages, beside the same out of few (architecture 10). */
export const timeline: Bench = {
  about: `pages of ${PAGE} out of ${LONG} messages and out of ${SHORT}; making the messages takes most of about 5 minutes`,

  run: (say) =>
    withBenchDatabase((few) =>
      withBenchDatabase(async (many) => {
        const short = await fill(few, SHORT, say);
        const long = await fill(many, LONG, say);
        const gigabytes = await sizeOf(many, say);
        const [shortPages, longPages] = [new Pages(few, short), new Pages(many, long)];
        await shortPages.read(WARM_UP_PAGES);
        await longPages.read(WARM_UP_PAGES);
        const ms = { short: [] as number[], long: [] as number[] };
        for (let round = 0; round < ROUNDS; round++) {
          ms.short.push(...(await shortPages.read(PAGES_PER_ROUND)));
          ms.long.push(...(await longPages.read(PAGES_PER_ROUND)));
        }
        return judged(ms, gigabytes, say);
      }),
    ),
};

export async function fill(database: BenchDatabase, messages: number, say: Say): Promise<LongStore> {
  const beganMs = performance.now();
  const store = await fillLongStore(database.owner, longStoreShape(messages, WORKSPACES, Date.now()), say);
  say(`with indexes, vacuumed and analysed after ${rounded((performance.now() - beganMs) / 1000)} s`);
  return store;
}

async function sizeOf({ owner }: BenchDatabase, say: Say): Promise<number> {
  const { rows } = await owner.query<{ name: string; bytes: number }>(sql`
    select 'message' as name, pg_table_size('message')::float as bytes
    union all select indexrelid::regclass::text, pg_relation_size(indexrelid)::float from pg_index where indrelid = 'message'::regclass
    union all select 'all', pg_database_size(current_database())::float`);
  for (const { name, bytes } of rows) say(`  ${name} ${rounded(bytes / GIGABYTE)} GB`);
  return (rows.find(({ name }) => name === "all")?.bytes ?? Number.NaN) / GIGABYTE;
}

/**
 * Reads pages through the view that the screens use, as often of long conversations as of short ones: the newest page,
 * and the one before a random message.
 */
class Pages {
  readonly #database: BenchDatabase;
  readonly #store: LongStore;
  readonly #random = seededRandom(11);

  constructor(database: BenchDatabase, store: LongStore) {
    this.#database = database;
    this.#store = store;
  }

  async read(count: number): Promise<number[]> {
    const { shape, workspaces } = this.#store;
    const ms: number[] = [];
    for (let page = 0; page < count; page++) {
      const { serial, conversation } = this.#place(page);
      const workspaceId = WorkspaceId.parse(workspaces[conversation % workspaces.length]?.workspaceId);
      const ask = {
        workspaceId,
        record: recordOf(conversation),
        actor: "bench",
        language: "en",
        requestId: "bench",
        limit: PAGE,
      } as const;
      const place = { at: String(sentAtUs(shape, serial)), kind: "message", id: String(serial) } as const;
      const before = page % 2 === 0 ? undefined : beforeCursor(place);
      const beganMs = performance.now();
      await timelinePage({ app: this.#database.app, clock: systemClock }, ask, before);
      ms.push(performance.now() - beganMs);
    }
    return ms;
  }

  /** A random message of a conversation whose kind is due. */
  #place(page: number): { serial: number; conversation: number } {
    const { shape } = this.#store;
    for (;;) {
      const serial = 1 + Math.floor(this.#random() * shape.messages);
      const conversation = conversationOf(shape, serial);
      if (kindOf(shape, conversation) === page % shape.kinds.length) return { serial, conversation };
    }
  }
}

function judged(ms: { short: number[]; long: number[] }, gigabytes: number, say: Say) {
  const [short, long] = [percentile(ms.short, 0.95), percentile(ms.long, 0.95)];
  const p95Ratio = long / short;
  say(`${SHORT} messages: p50 ${rounded(percentile(ms.short, 0.5))} ms, p95 ${rounded(short)} ms`);
  say(`${LONG} messages: p50 ${rounded(percentile(ms.long, 0.5))} ms, p95 ${rounded(long)} ms`);
  return {
    figures: { p95Ratio: rounded(p95Ratio), p95Ms: rounded(long) },
    missed: missedOf([
      [short <= REFERENCE_P95_MS_MAX, `p95 of the reference is ${rounded(short)} ms: this machine is too busy to tell`],
      [
        p95Ratio <= BUDGET.p95Ratio,
        `p95 is ${rounded(p95Ratio)} times that of ${SHORT} messages, at most ${BUDGET.p95Ratio} wanted`,
      ],
      [gigabytes <= BUDGET.gigabytes, `${rounded(gigabytes)} GB on disk, at most ${BUDGET.gigabytes} wanted`],
    ]),
  };
}
