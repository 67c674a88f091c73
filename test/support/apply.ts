import { randomUUID } from "node:crypto";
import type { Fact } from "#core/domain/fact.ts";
import { lockWorkspacesOf } from "#core/store/numbers.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { type Applied, applyFacts } from "#core/usecases/deliveries/apply/apply-facts.ts";
import { readDelivery } from "#core/whatsapp/delivery.ts";
import { readChange } from "#core/whatsapp/webhook.ts";
import type { TestDatabase } from "./database.ts";

/** A workspace with one WABA and one number of its own. */
export interface TestNumber {
  workspaceId: string;
  wabaId: string;
  numberId: string;
  phoneNumberId: string;
}

let counted = 0;

export async function connectNumber(database: TestDatabase, given: Partial<TestNumber> = {}): Promise<TestNumber> {
  counted += 1;
  const workspaceId = given.workspaceId ?? randomUUID();
  const wabaId = given.wabaId ?? `waba-${counted}`;
  const phoneNumberId = given.phoneNumberId ?? `number-${counted}`;
  await database.owner.query("insert into workspace values ($1, 'Test') on conflict do nothing", [workspaceId]);
  await database.owner.query(
    "insert into waba (workspace_id, waba_id, portfolio_key) values ($1, $2, 'portfolio') on conflict do nothing",
    [workspaceId, wabaId],
  );
  const { rows } = await database.owner.query(
    `insert into business_number (workspace_id, phone_number_id, waba_id, display_phone)
     values ($1, $2, $3, '919900011223') returning id`,
    [workspaceId, phoneNumberId, wabaId],
  );
  return { workspaceId, wabaId, phoneNumberId, numberId: rows[0].id };
}

/** Reads payloads as the worker would, and joins their facts in one transaction: one batch. */
export function applyPayloads(
  database: TestDatabase,
  { workspaceId, numberId }: TestNumber,
  payloads: readonly unknown[],
  receivedAt: Date,
): Promise<Applied> {
  return applyReceived(
    database,
    { workspaceId, numberId } as TestNumber,
    payloads.map((payload) => ({ payload, receivedAt })),
  );
}

/** The same for payloads that were received at different times. */
export function applyReceived(
  database: TestDatabase,
  { workspaceId, numberId }: TestNumber,
  received: readonly { payload: unknown; receivedAt: Date }[],
): Promise<Applied> {
  const facts = received.flatMap(({ payload, receivedAt }) =>
    factsOf(payload, receivedAt).map((fact) => ({ fact, receivedAt })),
  );
  return asWorkspaces(database.worker, [workspaceId], async (tx) => {
    const [number] = await lockWorkspacesOf(tx, [{ workspaceId, numberId }]);
    if (!number) throw new Error(`number ${numberId} is not connected`);
    const entries = facts.map(({ fact, receivedAt }, position) => ({
      workspaceId,
      numberId,
      portfolioKey: number.portfolioKey,
      deliveryId: "1",
      change: 0,
      position,
      receivedAt,
      fact,
    }));
    return applyFacts(tx, entries, { now: new Date(), hasInstall: () => number.hasInstall });
  });
}

export function factsOf(payload: unknown, receivedAt: Date): Fact[] {
  const bytes = Buffer.isBuffer(payload) ? payload : Buffer.from(JSON.stringify(payload));
  const read = readDelivery(bytes);
  if ("unreadable" in read) return [];
  return read.changes.flatMap((change) => readChange(change, receivedAt));
}
