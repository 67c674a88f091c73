import { setTimeout as sleep } from "node:timers/promises";
import { endSession, isWaitingAt, sessionsAt, waitingAt } from "./backends.ts";
import { pinned } from "./pins.ts";
import type { Service } from "./service.ts";
import { leaseSeenMs, type Stage, seen, untilReady } from "./stage.ts";

/** Statements of the product, by their words: a gap whose words are gone is not met, and the run fails. */
const storing = "insert into delivery (";
const routing = "insert into lane_item";
const locking = "select from workspace where";
const applying = "select from workspace for no key update";
const finishing = "delete from lane_item";
const givingBack = "update lane l set leased_until = null";

/**
 * One kill in every gap between two outside effects. No hook in the product: the harness looks from the database, and
 * where a gap is only microseconds wide it holds a lock that stops the product inside it. Lanes of a killed worker wait
 * for their lease, so kills that need no lane stand between those that do.
 */
export async function killInEveryGap(stage: Stage): Promise<void> {
  const { server, worker } = stage;
  await atStatement(stage, server, "while routing", { table: "lane_item", words: routing });
  await atStatement(stage, worker, "while routing", { table: "lane_item", words: routing });
  await whileLeased(stage, server);
  await beforeStored(stage);
  await storedButNotAnswered(stage);
  await rightAfterAnswer(stage);
  await whileStarting(stage, server);
  await atStatement(stage, worker, "applied, not committed", { table: "lane_item", words: finishing });
  await whileStarting(stage, worker);
  await underLoad(stage, [server, worker]);
  await whileLeased(stage, worker);
  await databaseUnderLoad(stage, "postmaster");
  await databaseUnderLoad(stage, "all");
  await databaseUnderLoad(stage, "backend");
  await atStatement(stage, server, "applied, not committed", { table: "lane_item", words: finishing });
  await underLoad(stage, [server, worker], "database");
  await databaseWhileLeased(stage);
  await beforeGivenBack(stage, server);
  await beforeGivenBack(stage, worker);
  await whileLeasedAsSeen(stage);
}

/** The request is written and nothing of it is in the database: its session ends with the process. */
async function beforeStored(stage: Stage): Promise<void> {
  const { owner, poster, server, story } = stage;
  await untilReady(server);
  const release = await owner.hold("lock table delivery in exclusive mode");
  const outcome = poster.post(story.fresh());
  const stuck = await waitingAt(owner, storing, server.name);
  await server.kill();
  for (const { pid } of await sessionsAt(owner, storing)) await endSession(owner, pid);
  await release();
  note(stage, "before the 200: not stored yet", [server.name], stuck !== undefined && (await outcome) === "broken");
}

/** The row becomes durable while nobody is left to answer: Meta comes again with a delivery that we have. */
async function storedButNotAnswered(stage: Stage): Promise<void> {
  const { owner, poster, server, story } = stage;
  await untilReady(server);
  const release = await owner.hold("lock table delivery in exclusive mode");
  const post = story.fresh();
  const outcome = poster.post(post);
  const stuck = await waitingAt(owner, storing, server.name);
  await server.kill();
  await release();
  const isStored = await seen(async () => {
    const rows = await owner.ask("select from delivery where sha256(payload) = decode($1, 'hex') limit 1", [
      post.digest,
    ]);
    return rows.length > 0 ? true : undefined;
  }, 5_000);
  const isMet = stuck !== undefined && isStored === true && (await outcome) === "broken";
  note(stage, "before the 200: stored, not answered", [server.name], isMet);
}

async function rightAfterAnswer(stage: Stage): Promise<void> {
  const { poster, server } = stage;
  await untilReady(server);
  let wasStruck: boolean | undefined;
  poster.atNextAcknowledgement(() => {
    wasStruck = server.strike();
  });
  await seen(() => wasStruck, leaseSeenMs);
  note(stage, "right after the 200", [server.name], wasStruck === true);
}

/** Inside a transaction that routes or applies: the lock stops the process at its statement. */
async function atStatement(
  stage: Stage,
  victim: Service,
  gap: string,
  at: { table: string; words: string },
): Promise<void> {
  const { owner } = stage;
  await untilReady(stage.server, stage.worker);
  const isMet = await pinned(owner, `lock table ${at.table} in exclusive mode`, async () => {
    const isStuck = (await sessionsAt(owner, at.words)).some(({ process }) => process === victim.name);
    return isStuck && victim.strike() ? true : undefined;
  });
  note(stage, gap, [victim.name], isMet);
}

/** Lanes are leased and their items are being applied: the locks of the workspaces stop it before it wrote anything. */
async function whileLeased(stage: Stage, victim: Service): Promise<void> {
  await untilReady(stage.server, stage.worker);
  const isMet = await pinned(stage.owner, applying, async () => {
    return (await hasLease(stage, victim)) && victim.strike() ? true : undefined;
  });
  note(stage, "while leased", [victim.name], isMet);
}

async function databaseWhileLeased(stage: Stage): Promise<void> {
  const { database, owner } = stage;
  await untilReady(stage.server, stage.worker);
  const isMet = await pinned(owner, applying, async () => {
    if ((await sessionsAt(owner, locking)).length === 0) return undefined;
    await database.kill("all");
    return true;
  });
  note(stage, "while leased", ["database"], isMet);
  if (isMet) await database.restart();
}

/** Applied and committed, but the lane still carries the lease: nobody may take it before the lease has run out. */
async function beforeGivenBack(stage: Stage, victim: Service): Promise<void> {
  const { owner } = stage;
  await untilReady(stage.server, stage.worker);
  let holding: Promise<() => Promise<void>> | undefined;
  const isStuck = await pinned(owner, applying, async () => {
    if (!(await sessionsAt(owner, locking)).some(({ process }) => process === victim.name)) return undefined;
    // Queues behind the applying transaction, and before the statement that gives the lane back. One lane is enough,
    // and cannot end in a deadlock. A lane that is free to lock belongs to a round that is not yet applying.
    const queueing = owner.hold(
      `select from lane where leased_by like '${victim.pid}-%' order by random() limit 1 for update`,
    );
    const isQueued = await Promise.race([
      queueing.then(() => false),
      isWaitingAt(owner, "select from lane where leased_by"),
    ]);
    if (!isQueued) return void (await (await queueing)());
    holding = queueing;
    return true;
  });
  const release = await holding;
  const last = isStuck ? await waitingAt(owner, givingBack, victim.name) : undefined;
  await victim.kill();
  await release?.();
  note(stage, "applied, lanes not given back", [victim.name], last !== undefined);
}

/** Without any lock of ours: the first lease that is seen costs its holder's life. */
async function whileLeasedAsSeen(stage: Stage): Promise<void> {
  await untilReady(stage.server, stage.worker);
  const holder = await seen(async () => {
    for (const one of [stage.server, stage.worker]) if ((await hasLease(stage, one)) && one.strike()) return one;
    return undefined;
  }, leaseSeenMs);
  note(stage, "while leased, no lock held", [holder?.name ?? "nobody"], holder !== undefined);
}

async function hasLease({ owner }: Stage, { pid }: Service): Promise<boolean> {
  const rows = await owner.ask(
    `select from lane l where l.leased_until > now() and l.leased_by like $1 || '-%'
       and exists (select from lane_item i where i.lane_id = l.id) limit 1`,
    [String(pid)],
  );
  return rows.length > 0;
}

/** A restarted process dies again before it is ready. */
async function whileStarting(stage: Stage, victim: Service): Promise<void> {
  await untilReady(victim);
  await victim.kill();
  const started = await seen(() => (victim.pid === undefined ? undefined : true), 5_000);
  await sleep(stage.random.between(100, 700));
  const isStarting = !victim.isReady;
  await victim.kill();
  note(stage, "while starting", [victim.name], started === true && isStarting);
}

async function databaseUnderLoad(stage: Stage, whom: "postmaster" | "all" | "backend"): Promise<void> {
  const { database, owner, random } = stage;
  await untilReady(stage.server, stage.worker);
  await sleep(random.between(50, 400));
  if (whom === "backend") {
    const [backend] = await owner.ask<{ pid: number }>(
      "select pid from pg_stat_activity where application_name in ('server', 'worker') order by random() limit 1",
    );
    if (backend) database.killBackend(backend.pid);
    return note(stage, "under load", ["one backend"], backend !== undefined);
  }
  await database.kill(whom);
  note(stage, "under load", [whom === "all" ? "database" : "postmaster"], true);
  await sleep(random.between(100, 800));
  await database.restart();
}

async function underLoad(stage: Stage, services: readonly Service[], and?: "database"): Promise<void> {
  const { database, random } = stage;
  await untilReady(...services);
  await sleep(random.between(50, 400));
  const struck = services.filter((service) => service.strike());
  if (and) await database.kill("all");
  const names = [...struck.map(({ name }) => name), ...(and ? [and] : [])];
  note(stage, and ? "all at once" : "both at once", names, struck.length === services.length);
  if (and) await database.restart();
}

function note({ tally, tell }: Stage, gap: string, victims: readonly string[], isMet: boolean): void {
  tally.record(isMet ? gap : "beside its gap", victims);
  tell(`${gap}: ${victims.join(" + ")}${isMet ? "" : " (gap not met)"}`);
  if (!isMet) tally.missed.push(`${gap} (${victims.join(" + ")})`);
}
