import { randomInt, randomUUID } from "node:crypto";
import { systemClock } from "#core/kit/clock.ts";
import type { Sealer } from "#core/kit/seal.ts";
import type { Database } from "#core/store/database.ts";
import { insertInstall } from "#core/store/installs.ts";
import { wabaTokenContext } from "#core/store/sender-numbers.ts";
import { sql } from "#core/store/sql.ts";
import { asWorkspace, inTransaction, type Tx } from "#core/store/transaction.ts";

/** The business that the sandbox plays: one WhatsApp number, one HubSpot account. */
export interface SampleBusiness {
  workspaceId: string;
  wabaId: string;
  phoneNumberId: string;
  displayPhone: string;
  token: string;
  portalId: number;
}

const NAME = "Sandbox";

/** Makes a new one. Earlier ones stay readable, but are disconnected: the simulators have forgotten them. */
export async function makeSampleBusiness(database: Database, sealer: Sealer): Promise<SampleBusiness> {
  const business = {
    workspaceId: randomUUID(),
    wabaId: someDigits(15),
    phoneNumberId: someDigits(15),
    displayPhone: `9199${someDigits(8)}`,
    token: `sandbox-token-${randomUUID()}`,
    portalId: randomInt(10_000_000, 99_999_999),
  };
  await inTransaction(database.owner, async (tx) => {
    await disconnectEarlier(tx);
    await insertNumber(tx, business, sealer);
  });
  const { workspaceId, portalId } = business;
  const install = { workspaceId, installId: randomUUID(), crm: "hubspot", crmAccountId: String(portalId) };
  // Expired: the first call to HubSpot begins with a refresh, as after any night.
  const tokens = { accessToken: "expired", refreshToken: `refresh-${portalId}`, expiresAt: systemClock.now() };
  await asWorkspace(database.app, workspaceId, (tx) => insertInstall(tx, install, tokens, sealer));
  return business;
}

async function insertNumber(tx: Tx, business: SampleBusiness, sealer: Sealer): Promise<void> {
  const { workspaceId, wabaId, phoneNumberId, displayPhone, token } = business;
  const sealed = sealer.seal(token, wabaTokenContext(workspaceId, wabaId));
  await tx.query(sql`insert into workspace (workspace_id, name) values (${workspaceId}, ${NAME})`);
  await tx.query(sql`
    insert into waba (workspace_id, waba_id, portfolio_key, token_sealed)
    values (${workspaceId}, ${wabaId}, ${`waba:${wabaId}`}, ${sealed})`);
  await tx.query(sql`
    insert into business_number (workspace_id, phone_number_id, waba_id, display_phone)
    values (${workspaceId}, ${phoneNumberId}, ${wabaId}, ${displayPhone})`);
}

/** Only what this file made: somebody may have pointed DATA_DIR at data of their own. */
async function disconnectEarlier(tx: Tx): Promise<void> {
  const ours = sql`workspace_id in (select workspace_id from workspace where name = ${NAME})`;
  await tx.query(sql`update business_number set disconnected_at = now() where disconnected_at is null and ${ours}`);
  await tx.query(sql`update waba set disconnected_at = now() where disconnected_at is null and ${ours}`);
  await tx.query(sql`update install set uninstalled_at = now() where uninstalled_at is null and ${ours}`);
}

function someDigits(length: number): string {
  return String(randomInt(1, 9)) + Array.from({ length: length - 1 }, () => randomInt(10)).join("");
}
