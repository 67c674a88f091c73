import type pg from "pg";
import { type Nullable, withoutNulls } from "./sends.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** A business number as its sender needs it. */
export interface SenderNumber {
  numberId: string;
  phoneNumberId: string;
  wabaId: string;
  isCoexistence: boolean;
  /** Open with `wabaTokenContext`. Absent: the account was never connected, or its token is dead. */
  tokenSealed?: Buffer;
}

/** Undefined when the number or its account was disconnected. */
export async function selectSenderNumber(
  tx: Tx,
  workspaceId: string,
  numberId: string,
): Promise<SenderNumber | undefined> {
  const { rows } = await tx.query<Nullable<SenderNumber>>(sql`
    select n.id as "numberId", n.phone_number_id as "phoneNumberId", n.waba_id as "wabaId",
      n.is_coexistence as "isCoexistence", w.token_sealed as "tokenSealed"
    from business_number n join waba w on w.workspace_id = n.workspace_id and w.waba_id = n.waba_id
    where n.workspace_id = ${workspaceId} and n.id = ${numberId}
      and n.disconnected_at is null and w.disconnected_at is null`);
  return rows[0] && withoutNulls<SenderNumber>(rows[0]);
}

/** The context under which a WABA's token is sealed: the bytes do not open in another row. */
export function wabaTokenContext(workspaceId: string, wabaId: string): string {
  return `${workspaceId}/waba/${wabaId}/token`;
}

export interface NumberKey {
  workspaceId: string;
  numberId: string;
}

/**
 * Numbers that have something to send now, in a circle that begins behind `afterNumberId`. Ids only; the one question
 * that crosses workspaces.
 */
export async function selectNumbersWithSends(worker: pg.Pool, now: Date, afterNumberId: string): Promise<NumberKey[]> {
  const { rows } = await worker.query<NumberKey>(sql`
    select workspace_id as "workspaceId", number_id as "numberId" 
    from workspaces_with_sends(${now}, ${afterNumberId})`);
  return rows;
}

/** Numbers with sends that were claimed so long ago that their answer will not come any more. */
export async function selectNumbersWithStaleSends(worker: pg.Pool, claimedBefore: Date): Promise<NumberKey[]> {
  const { rows } = await worker.query<NumberKey>(sql`
    select workspace_id as "workspaceId", number_id as "numberId" from workspaces_with_stale_sends(${claimedBefore})`);
  return rows;
}
