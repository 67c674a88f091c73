import type pg from "pg";
import type { Cast } from "./cast.ts";
import type { Post } from "./effects.ts";
import { storedLines } from "./stored-lines.ts";
import { expectedLines, keysOf } from "./truth.ts";

/** Posts that must be in the store, each with how often it was answered 200 (0: recorded after its sender hung up). */
export type Acknowledged = ReadonlyMap<string, { post: Post; times: number }>;

export interface Comparison {
  /** Deliveries answered 200, of which applied and parked. */
  acknowledged: number;
  applied: number;
  parked: number;
  /** Acknowledged deliveries whose bytes or effects are missing or wrong. */
  lost: number;
  /** Lines of the store that nobody told, or that stand there twice. */
  duplicated: number;
  /** The first differences, for whoever has to look. */
  differences: string[];
}

const differencesMax = 20;

/** Compares the store with the truth, line by line. */
export async function compare(owner: pg.ClientBase, acknowledged: Acknowledged, cast: Cast): Promise<Comparison> {
  const posts = [...acknowledged.values()];
  const expected = expectedLines(
    posts.flatMap(({ post }) => post.effects),
    cast,
  );
  const counts = new Map<string, number>();
  const wrong = new Set<string>();
  const differences: string[] = [];
  let duplicated = 0;
  for (const { key, value } of await storedLines(owner)) {
    const count = (counts.get(key) ?? 0) + 1;
    counts.set(key, count);
    if (count > 1 || !expected.has(key)) {
      duplicated += 1;
      differences.push(`${count > 1 ? "twice" : "never told"}: ${key} ${value}`);
    } else if (expected.get(key) !== value) {
      wrong.add(key);
      differences.push(`wrong: ${key}\n  stored   ${value}\n  expected ${expected.get(key)}`);
    }
  }
  for (const key of expected.keys()) if (!counts.has(key)) differences.push(`missing: ${key}`);

  const raw = await readRaw(owner);
  const isLost = ({ post, times }: { post: Post; times: number }): boolean => {
    const { rows = 0, parked = 0 } = raw.get(post.digest) ?? {};
    if (rows < Math.max(times, 1)) return true;
    if (post.effects.length === 0) return parked !== rows;
    return post.effects.flatMap(keysOf).some((key) => !counts.has(key) || wrong.has(key));
  };
  const lost = posts.filter(isLost);
  for (const { post, times } of lost) {
    const { rows = 0, parked = 0 } = raw.get(post.digest) ?? {};
    differences.push(
      `lost: ${post.digest.slice(0, 12)}, answered 200 ${times} times, stored ${rows}, parked ${parked}`,
    );
  }
  const kept = posts.filter((one) => !lost.includes(one));
  const sum = (list: typeof posts) => list.reduce((total, { times }) => total + times, 0);
  return {
    acknowledged: sum(posts),
    applied: sum(kept.filter(({ post }) => post.effects.length > 0)),
    parked: sum(kept.filter(({ post }) => post.effects.length === 0)),
    lost: lost.length,
    duplicated,
    differences: differences.slice(0, differencesMax),
  };
}

interface Raw {
  /** Rows with exactly these bytes, and how many of them are parked. */
  rows: number;
  parked: number;
}

async function readRaw(owner: pg.ClientBase): Promise<Map<string, Raw>> {
  const { rows } = await owner.query<{ digest: string } & Raw>(`
    select encode(sha256(d.payload), 'hex') as digest, count(*)::int as rows, count(p.delivery_id)::int as parked
    from delivery d left join (select distinct delivery_id from parked_item) p on p.delivery_id = d.id
    group by 1`);
  return new Map(rows.map(({ digest, ...raw }) => [digest, raw]));
}
