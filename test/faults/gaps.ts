import { setTimeout as sleep } from "node:timers/promises";
import { endSession, sessionsAt, waitingAt, waitMs } from "./backends.ts";
import type { Service } from "./service.ts";
import { type Stage, seen, untilReady } from "./stage.ts";

const storing = "insert into delivery (";

/**
 * One kill in every gap between two outside effects. No hook in the product: the harness looks from the database, and
 * where a gap is only microseconds wide it holds a lock that stops the product inside it.
 */
export async function killInEveryGap(stage: Stage): Promise<void> {
  await beforeStored(stage);
  await storedButNotAnswered(stage);
  await rightAfterAnswer(stage);
  for (const victim of [stage.server, stage.worker]) {
    await atStatement(stage, victim, { gap: "while routing", table: "lane_item", words: "insert into lane_item" });
    await whileLeased(stage, victim);
    await atStatement(stage, victim, { gap: "applied, not committed", table: "lane_item", words: "delete from lane_item" });
    await beforeGivenBack(stage, victim);
    await whileStarting(stage, victim);
  }
  await whileLeasedAsSeen(stage);
  for (const whom of ["postmaster", "all", "backend"] as const) await databaseUnderLoad(stage, whom);
  await togetherUnderLoad(stage, [stage.server, stage.worker]);
  await togetherUnderLoad(stage, [stage.server, stage.worker], "database");
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
    const rows = await owner.ask("select from delivery where sha256(payload) = decode($1, 'hex') limit 1", [post.digest]);
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
  await seen(() => wasStruck, waitMs);
  note(stage, "right after the 200", [server.name], wasStruck === true);
}

/** Inside a transaction that routes or applies: the lock stops the process at its statement. */
async function atStatement(stage: Stage, victim: Service, at: { gap: string; table: string; words: string }): Promise<void> {
  const { owner } = stage;
  await untilReady(stage.server, stage.worker);
  const release = await owner.hold(`lock table ${at.table} in exclusive mode`);
  const stuck = await waitingAt(owner, at.words, victim.name);
  await victim.kill();
  await release();
  note(stage, at.gap, [victim.name], stuck !== undefined);
}

/** Lanes are leased and their items are being applied: the locks of the numbers stop it before it wrote anything. */
async function whileLeased(stage: Stage, victim: Service): Promise<void> {
  const { owner } = stage;
  await untilReady(stage.server, stage.worker);
  const release = await owner.hold("select from business_number for update");
  const met = await seen(() => leaseOf(stage, victim), waitMs);
  await victim.kill();
  await release();
  note(stage, "while leased", [victim.name], met === true);
}

/** Applied and committed, but the lane still carries the lease: nobody may take it before the lease has run out. */
async function beforeGivenBack(stage: Stage, victim: Service): Promise<void> {
  const { owner } = stage;
  await untilReady(stage.server, stage.worker);
  const release = await owner.hold("select from business_number for update");
  const stuck = await waitingAt(owner, "select n.workspace_id", victim.name);
  // Queues behind the applying transaction, and before the statement that gives the lane back. One lane is enough, and
  // cannot end in a deadlock.
  const holding = owner.hold(`select from lane where leased_by like '${victim.pid}-%' order by id limit 1 for update`);
  await waitingAt(owner, "select from lane where leased_by");
  await release();
  const releaseLanes = await holding;
  const last = await waitingAt(owner, "update lane l set leased_until = null", victim.name);
  await victim.kill();
  await releaseLanes();
  note(stage, "applied, lanes not given back", [victim.name], stuck !== undefined && last !== undefined);
}

/** Without any lock of ours: the first lease that is seen costs its holder's life. */
async function whileLeasedAsSeen(stage: Stage): Promise<void> {
  await untilReady(stage.server, stage.worker);
  const holder = await seen(async () => {
    for (const one of [stage.server, stage.worker]) if ((await leaseOf(stage, one)) && one.strike()) return one;
    return undefined;
  }, waitMs);
  note(stage, "while leased, no lock held", [holder?.name ?? "nobody"], holder !== undefined);
}

async function leaseOf({ owner }: Stage, { pid }: Service): Promise<true | undefined> {
  const rows = await owner.ask(
    "select from lane l where l.leased_until > now() and l.leased_by like $1 || '-%' and exists (select from lane_item i where i.lane_id = l.id) limit 1",
    [String(pid)],
  );
  return rows.length > 0 ? true : undefined;
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
    return note(stage, "database under load: one backend", ["database"], backend !== undefined);
  }
  await database.kill(whom);
  note(stage, `database under load: ${whom === "all" ? "all its processes" : "postmaster"}`, ["database"], true);
  await sleep(random.between(100, 800));
  await database.restart();
}

async function togetherUnderLoad(stage: Stage, services: readonly Service[], and?: "database"): Promise<void> {
  const { database, random } = stage;
  await untilReady(...services);
  await sleep(random.between(50, 400));
  const struck = services.filter((service) => service.strike());
  if (and) await database.kill("all");
  const names = [...struck.map(({ name }) => name), ...(and ? ["database"] : [])];
  note(stage, "together", names, struck.length === services.length);
  if (and) await database.restart();
}

function note({ tally, tell }: Stage, gap: string, victims: readonly string[], isMet: boolean): void {
  tally.record(gap, victims);
  tell(`${gap}: ${victims.join(" + ")}${isMet ? "" : " (gap not met)"}`);
  if (!isMet) tally.missed.push(`${gap} (${victims.join(" + ")})`);
}
