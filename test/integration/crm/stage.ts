import { randomBytes, randomUUID } from "node:crypto";
import { hubspotConnector } from "#connectors/hubspot/connector.ts";
import { markerOf } from "#core/crm/marker.ts";
import { systemClock } from "#core/kit/clock.ts";
import { makeLog } from "#core/kit/log.ts";
import { sealer, secretKey } from "#core/kit/seal.ts";
import { insertInstall } from "#core/store/installs.ts";
import { sql } from "#core/store/sql.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { CRM_TIMES, type CrmWorker } from "#core/usecases/crm/crm-worker.ts";
import { logMessages } from "#core/usecases/crm/log-messages.ts";
import type { HubspotSimulator } from "#test/sandbox/hubspot/simulator.ts";
import type { TestDatabase } from "#test/support/database.ts";

export const seals = sealer([secretKey(randomBytes(32).toString("base64"))]);

/** Short, since tests of lost answers wait for it. */
const CALL_MS = 300;

export function crmWorker(
  database: TestDatabase,
  hubspot: HubspotSimulator,
  change: Partial<CrmWorker> = {},
): CrmWorker {
  const connector = hubspotConnector({ ...hubspot.app, baseUrl: hubspot.url, timeoutMs: CALL_MS });
  return {
    pool: database.worker,
    connectors: new Map([["hubspot", connector]]),
    sealer: seals,
    clock: systemClock,
    log: makeLog("silent"),
    // Nothing waits in real time: what would, is put off and becomes due by passTime.
    times: { ...CRM_TIMES, paceMsMax: 1_000 },
    stopping: new AbortController().signal,
    ...change,
  };
}

export interface Stage {
  workspaceId: string;
  installId: string;
}

/** A workspace with one HubSpot account, whose access token has run out. */
export async function makeStage(
  database: TestDatabase,
  portal: { hubId: number; refreshToken: string },
): Promise<Stage> {
  const [workspaceId, installId] = [randomUUID(), randomUUID()];
  await database.owner.query(sql`insert into workspace (workspace_id, name) values (${workspaceId}, 'Test')`);
  await database.owner.query(
    sql`insert into waba (workspace_id, waba_id, portfolio_key) values (${workspaceId}, ${`waba-${installId}`}, 'p1')`,
  );
  const tokens = { accessToken: "old", refreshToken: portal.refreshToken, expiresAt: new Date(0) };
  const install = { workspaceId, installId, crm: "hubspot", crmAccountId: String(portal.hubId) };
  await asWorkspaces(database.worker, [workspaceId], (tx) => insertInstall(tx, install, tokens, seals));
  return { workspaceId, installId };
}

export interface PersonSeed {
  phone?: string;
  bsuid?: string;
  name?: string;
  /** To be one person with somebody made before. */
  personId?: string;
  portfolio?: string;
}

export async function makeIdentity(
  { owner }: TestDatabase,
  { workspaceId }: Stage,
  person: PersonSeed,
): Promise<{ identityId: string; personId: string }> {
  const identityId = randomUUID();
  const personId = person.personId ?? identityId;
  const [kind, key] = person.bsuid ? ["bsuid", person.bsuid] : ["phone", person.phone];
  await owner.query(sql`
    insert into identity (workspace_id, id, portfolio_key, kind, key, person_id)
    values (${workspaceId}, ${identityId}, ${person.portfolio ?? "p1"}, ${kind}, ${key}, ${personId})`);
  const attributes = [
    ["phone", person.phone],
    ["wa-id", person.phone],
    ["name", person.name],
  ].filter(([, value]) => value !== undefined);
  for (const [attribute, value] of attributes) {
    await owner.query(sql`
      insert into identity_attribute (workspace_id, identity_id, kind, value, first_seen_at, last_seen_at)
      values (${workspaceId}, ${identityId}, ${attribute}, ${value}, now(), now())`);
  }
  return { identityId, personId };
}

export interface MessageSeed {
  body?: string | null;
  direction?: "in" | "out";
  origin?: string;
  originId?: string;
  type?: string;
}

/** A message as the pipeline leaves it, with its pending CRM write. Returns its marker. */
export async function makeMessage(
  { owner }: TestDatabase,
  stage: Stage,
  identityId: string,
  message: MessageSeed = {},
): Promise<string> {
  const wamid = `wamid.${randomUUID()}`;
  const { direction = "in", body = "Is it in stock?", type = "text" } = message;
  const origin = message.origin ?? (direction === "in" ? "customer" : "agent");
  const { rows } = await owner.query(sql`
    with made as (
      insert into conversation (workspace_id, id, number_id, identity_id) values (${stage.workspaceId}, ${randomUUID()}, 1, ${identityId})
      on conflict (workspace_id, number_id, identity_id) do update set version = conversation.version + 1 returning id)
    insert into message (workspace_id, number_id, wamid, conversation_id, identity_id, direction, origin, origin_id, type, body, sent_at, received_at)
    select ${stage.workspaceId}, 1, ${wamid}, made.id, ${identityId}, ${direction}, ${origin}, ${message.originId ?? null}, ${type}, ${body}, now(), now() from made
    returning id`);
  await owner.query(sql`
    insert into crm_write (workspace_id, install_id, message_id, marker, next_try_at)
    values (${stage.workspaceId}, ${stage.installId}, ${rows[0].id}, ${markerOf(wamid)}, now())`);
  return markerOf(wamid);
}

/** Makes stored times older, as if the clock had moved on: leases end, and what waits becomes due. */
export async function passTime({ owner }: TestDatabase, ms: number): Promise<void> {
  await owner.query(sql`
    update crm_write set next_try_at = next_try_at - ${ms} * interval '1 ms', leased_until = leased_until - ${ms} * interval '1 ms'`);
  await owner.query(sql`update lease set held_until = held_until - ${ms} * interval '1 ms'`);
  await owner.query(sql`update bucket set refilled_at = refilled_at - ${ms} * interval '1 ms'`);
}

export interface WriteRow {
  state: string;
  marker: string;
  refusal: string | null;
  activityId: string | null;
  recordId: string | null;
}

export async function writesOf({ owner }: TestDatabase, { installId }: Stage): Promise<WriteRow[]> {
  const { rows } = await owner.query<WriteRow>(sql`
    select state, marker, refusal, activity_id as "activityId", record_id as "recordId"
    from crm_write where install_id = ${installId} order by message_id`);
  return rows;
}

const ROUNDS_MAX = 20;
const ROUND_MS = 40_000;

/** Works, lets a lease's time pass, works again, until nothing is left to do. */
export async function drain(database: TestDatabase, worker: CrmWorker, stage: Stage): Promise<void> {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    await logMessages(worker, stage);
    const open = (await writesOf(database, stage)).filter(({ state }) => state === "pending" || state === "writing");
    if (open.length === 0) return;
    await passTime(database, ROUND_MS);
  }
  throw new Error(`Still not drained: ${JSON.stringify(await writesOf(database, stage))}`);
}

/** The markers on the timeline of every contact, in the order they were written. */
export function loggedMarkers(hubspot: HubspotSimulator, hubId: number): string[] {
  return (hubspot.portals.get(hubId)?.communications ?? []).map(({ properties }) => {
    return /\[tv:(\w+)\]$/.exec(properties["hs_communication_body"] ?? "")?.[1] ?? "no marker";
  });
}
