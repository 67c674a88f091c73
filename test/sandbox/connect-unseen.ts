import { randomUUID } from "node:crypto";
import type pg from "pg";
import { sql } from "#core/store/sql.ts";
import type { WebhookBody } from "./webhook-body.ts";

/** Connects every WABA and number of a body that nobody has connected yet: each WABA is a workspace of its own. */
export async function connectUnseen(owner: pg.Pool, { wabas, numbers }: WebhookBody): Promise<void> {
  for (const wabaId of new Set(wabas)) await connectWaba(owner, wabaId);
  for (const number of numbers) await connectNumber(owner, number);
}

async function connectWaba(owner: pg.Pool, wabaId: string): Promise<void> {
  const { rowCount } = await owner.query(sql`select from waba where waba_id = ${wabaId}`);
  if (rowCount !== 0) return;
  const workspaceId = randomUUID();
  await owner.query(sql`insert into workspace (workspace_id, name) values (${workspaceId}, ${`Replay of ${wabaId}`})`);
  await owner.query(sql`
    insert into waba (workspace_id, waba_id, portfolio_key) values (${workspaceId}, ${wabaId}, ${`waba:${wabaId}`})`);
}

async function connectNumber(owner: pg.Pool, number: WebhookBody["numbers"][number]): Promise<void> {
  const { phoneNumberId, displayPhone, wabaId, isCoexistence } = number;
  await owner.query(sql`
    insert into business_number (workspace_id, phone_number_id, waba_id, display_phone, is_coexistence)
    select w.workspace_id, ${phoneNumberId}, w.waba_id, ${displayPhone}, ${isCoexistence} from waba w
    where w.waba_id = ${wabaId} and not exists (select from business_number where phone_number_id = ${phoneNumberId})`);
}
