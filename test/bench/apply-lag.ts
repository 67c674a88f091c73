import { setTimeout as sleep } from "node:timers/promises";
import type pg from "pg";
import { Failure } from "#core/kit/failure.ts";
import { sql } from "#core/store/sql.ts";
import type { PlainWorld } from "./data/plain-rows.ts";
import { bodyOf, type Change } from "./data/webhook-bodies.ts";
import type { BenchWorkspace } from "./data/workspaces.ts";
import { Connection } from "./load/connection.ts";
import { webhookRequest } from "./load/requests.ts";
import { APP_SECRET } from "./service.ts";

const CONNECTIONS = 32;
const TICK_MS = 5;
const LOOK_MS = 10;
/** One in so many is looked for in the store; the others are load. */
const SAMPLED = 8;
/** Not counted: caches fill, code is compiled. */
const WARM_UP_MS = 2_000;
const LATE_MS_MAX = 60_000;

export interface Lag {
  perSecond: number;
  /** From the 200 until the change was seen in the store, of the sampled ones. */
  lagsMs: number[];
}

/** Posts changes at a steady rate and looks for some of them in the store. */
export async function measureLag(
  database: { owner: pg.Pool },
  world: PlainWorld,
  plan: { port: number; perSecond: number; changes: readonly Change[] },
): Promise<Lag> {
  const watch = new Watch(database.owner, world);
  const requests = plan.changes.map((change) => webhookRequest(bodyOf(change), APP_SECRET));
  const beganMs = performance.now();
  const countedFromMs = beganMs + WARM_UP_MS;
  const watching = watch.untilClosed();
  await post(plan.port, plan.perSecond, requests, (at) => {
    const nowMs = performance.now();
    if (at % SAMPLED === 0 && nowMs > countedFromMs) watch.expect(plan.changes[at] as Change, nowMs);
  });
  const perSecond = requests.length / ((performance.now() - beganMs) / 1000);
  watch.close();
  return { perSecond, lagsMs: await watching };
}

/** Resolves when every request was answered 200; `onAnswer` gets the place of the one that was. */
function post(
  port: number,
  perSecond: number,
  requests: readonly Buffer[],
  onAnswer: (at: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const beganMs = performance.now();
    const idle: ((at: number) => void)[] = [];
    let next = 0;
    let answered = 0;
    const timer = setInterval(() => {
      const due = Math.min(requests.length, ((performance.now() - beganMs) / 1000) * perSecond);
      // In turn: the server closes a connection that nobody has used for five seconds.
      while (next < due && idle.length > 0) idle.shift()?.(next++);
    }, TICK_MS);
    for (let at = 0; at < CONNECTIONS; at++) {
      let underWay = 0;
      const connection = new Connection(port, (status) => {
        if (status !== 200) {
          clearInterval(timer);
          return reject(new Failure("unavailable", "bench.not_accepted", `The server answered ${status}.`));
        }
        onAnswer(underWay);
        idle.push(send);
        answered += 1;
        if (answered < requests.length) return;
        clearInterval(timer);
        resolve();
      });
      const send = (which: number) => {
        underWay = which;
        connection.send(requests[which] as Buffer);
      };
      idle.push(send);
    }
  });
}

interface Expected {
  change: Change;
  ackedMs: number;
}

/** Looks every few milliseconds which of the expected changes have arrived in the store. */
class Watch {
  readonly #owner: pg.Pool;
  readonly #world: PlainWorld;
  readonly #expected = new Map<string, Expected>();
  readonly #lagsMs: number[] = [];
  #isClosed = false;

  constructor(owner: pg.Pool, world: PlainWorld) {
    this.#owner = owner;
    this.#world = world;
  }

  expect(change: Change, ackedMs: number): void {
    this.#expected.set(keyOf(change), { change, ackedMs });
  }

  /** Nothing more will be expected. */
  close(): void {
    this.#isClosed = true;
  }

  async untilClosed(): Promise<number[]> {
    let closedMs = Number.POSITIVE_INFINITY;
    while (!this.#isClosed || this.#expected.size > 0) {
      if (this.#isClosed) closedMs = Math.min(closedMs, performance.now());
      if (performance.now() > closedMs + LATE_MS_MAX)
        throw new Failure("unavailable", "bench.not_applied", `${this.#expected.size} changes never arrived.`);
      await this.#look();
      await sleep(LOOK_MS);
    }
    return this.#lagsMs;
  }

  async #look(): Promise<void> {
    const all = [...this.#expected.values()].map(({ change }) => change);
    const arrived = [...(await this.#arrivedTexts(all)), ...(await this.#arrivedTicks(all))];
    const nowMs = performance.now();
    for (const key of arrived) {
      const ackedMs = this.#expected.get(key)?.ackedMs;
      if (ackedMs !== undefined) this.#lagsMs.push(nowMs - ackedMs);
      this.#expected.delete(key);
    }
  }

  async #arrivedTexts(changes: readonly Change[]): Promise<string[]> {
    const texts = changes.filter(({ kind }) => kind === "text");
    if (texts.length === 0) return [];
    const places = texts.map(({ person }) => this.#world.workspaces[person.workspace] as BenchWorkspace);
    const { rows } = await this.#owner.query<{ wamid: string }>(sql.named("bench-texts")`
      select m.wamid from unnest(${places.map((it) => it.workspaceId)}::uuid[], ${places.map((it) => it.numberId)}::bigint[],
        ${texts.map(({ wamid }) => wamid)}::text[]) u(workspace_id, number_id, wamid)
      join message m on m.workspace_id = u.workspace_id and m.number_id = u.number_id and m.wamid = u.wamid`);
    return rows.map(({ wamid }) => wamid);
  }

  async #arrivedTicks(changes: readonly Change[]): Promise<string[]> {
    const ticks = changes.filter((change) => change.kind === "status");
    if (ticks.length === 0) return [];
    const workspaces = ticks.map(({ person }) => this.#world.workspaces[person.workspace]?.workspaceId);
    const { rows } = await this.#owner.query<{ key: string }>(sql.named("bench-ticks")`
      select u.key from unnest(${workspaces}::uuid[], ${ticks.map(({ wamid }) => this.#world.messageIds.get(wamid))}::bigint[],
        ${ticks.map(({ status }) => status)}::text[], ${ticks.map(keyOf)}::text[]) u(workspace_id, message_id, status, key)
      join message_status s on s.workspace_id = u.workspace_id and s.message_id = u.message_id and s.status = u.status`);
    return rows.map(({ key }) => key);
  }
}

function keyOf(change: Change): string {
  return change.kind === "text" ? change.wamid : `${change.wamid} ${change.status}`;
}
