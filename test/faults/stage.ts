import { setTimeout as sleep } from "node:timers/promises";
import type { Cast } from "./cast.ts";
import type { DatabaseServer, Owner } from "./database-server.ts";
import type { Poster } from "./poster.ts";
import type { Random } from "./random.ts";
import type { Service } from "./service.ts";
import type { Story } from "./story.ts";

/** Everything a kill needs at hand. */
export interface Stage {
  /** Web and worker in one process; and a second worker. */
  server: Service;
  worker: Service;
  database: DatabaseServer;
  owner: Owner;
  poster: Poster;
  story: Story;
  cast: Cast;
  random: Random;
  tell(line: string): void;
  tally: Tally;
}

/** Kills by gap and by whom they met. */
export class Tally {
  readonly counts = new Map<string, Map<string, number>>();
  /** Gaps that were looked for and not met: a run that misses one has proven less than it says. */
  readonly missed: string[] = [];
  total = 0;
  lastKillMs = 0;

  record(gap: string, victims: readonly string[]): void {
    const own = this.counts.get(gap) ?? new Map<string, number>();
    this.counts.set(gap, own);
    for (const victim of victims) own.set(victim, (own.get(victim) ?? 0) + 1);
    this.total += 1;
    this.lastKillMs = performance.now();
  }
}

const pollMs = 2;

/** Longer than a lease: after an earlier kill every lane may have to wait for its own to run out. */
export const leaseSeenMs = 20_000;

/** The first answer that is not undefined; undefined when none came in time. */
export async function seen<T>(
  look: () => Promise<T | undefined> | T | undefined,
  withinMs: number,
): Promise<T | undefined> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || performance.now() > deadline) return found;
    await sleep(pollMs);
  }
}

const readyMs = 60_000;

export async function untilReady(...services: readonly Service[]): Promise<void> {
  const all = () => (services.every(({ isReady }) => isReady) ? true : undefined);
  if (await seen(all, readyMs)) return;
  const late = services.filter(({ isReady }) => !isReady);
  const words = late.map(({ name, lines }) => `${name} (${lines.at(-1)?.msg ?? "no word"})`).join(", ");
  throw new Error(`Not ready after ${readyMs / 1000} s: ${words}`);
}
