import { type Nullable, type SendRefusal, type SendRow, sendColumns, withoutNulls } from "./sends.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** A send that waits, with what its permission depends on, read in this transaction (I5). */
export type WaitingSend = SendRow & { lastLiveInboundAt?: Date };

export interface ClaimScope {
  workspaceId: string;
  numberId: string;
  /** Sends that this claim is about to refuse. */
  passedOver: readonly string[];
  now: Date;
}

/**
 * Locks the next send of a number. A conversation with a call under way waits, in whichever process the call is, so that
 * its messages reach Meta in the order they were written.
 */
export async function lockNextSend(tx: Tx, scope: ClaimScope): Promise<WaitingSend | undefined> {
  const { workspaceId, numberId, passedOver, now } = scope;
  const { rows } = await tx.query<Nullable<WaitingSend>>(sql`
    select ${sendColumns}, c.last_live_inbound_at as "lastLiveInboundAt"
    from send s join conversation c on c.workspace_id = s.workspace_id and c.id = s.conversation_id
    where s.workspace_id = ${workspaceId} and s.number_id = ${numberId} and s.state = 'queued'
      and (s.next_try_at is null or s.next_try_at <= ${now}) and s.id <> all (${passedOver}::uuid[])
      and not exists (select from send other
        where other.workspace_id = s.workspace_id and other.conversation_id = s.conversation_id
          and other.state <> 'confirmed' -- the index is of these
          and (other.state = 'claimed' and other.call_until > clock_timestamp()
            or other.state = 'queued' and (other.created_at, other.id) < (s.created_at, s.id)))
    order by s.created_at, s.id limit 1
    for update of s skip locked`);
  return rows[0] && withoutNulls<WaitingSend>(rows[0]);
}

/** True while this process is the sender of the number; nobody else can become it before the transaction ends. */
export async function holdsSenderLease(tx: Tx, name: string, heldBy: string): Promise<boolean> {
  const { rowCount } = await tx.query(sql`
    select from lease where name = ${name} and held_by = ${heldBy} and held_until > clock_timestamp() for share`);
  return rowCount === 1;
}

export interface ClaimMark {
  by: string;
  at: Date;
  /** No call takes longer. */
  callMs: number;
}

/** From here on Meta may hear of it, at the recipient it carries. Commit before calling (I4). */
export async function markClaimed(
  tx: Tx,
  workspaceId: string,
  { id, recipientPhone, recipientBsuid }: SendRow,
  { by, at, callMs }: ClaimMark,
): Promise<void> {
  await tx.query(sql`
    update send set state = 'claimed', state_at = ${at}, claimed_at = ${at}, claimed_by = ${by},
      call_until = clock_timestamp() + ${callMs} * interval '1 ms', attempts = attempts + 1,
      recipient_phone = ${recipientPhone}, recipient_bsuid = ${recipientBsuid}
    where workspace_id = ${workspaceId} and id = ${id} and state = 'queued'`);
}

/** The call is over and its answer lost: the send stays claimed until its status settles it, its conversation goes on. */
export async function endCall(tx: Tx, workspaceId: string, sendId: string): Promise<void> {
  await tx.query(sql`
    update send set call_until = null where workspace_id = ${workspaceId} and id = ${sendId} and state = 'claimed'`);
}

/** Meta certainly did not take it: the same send may be tried again, later. */
export async function requeueSend(
  tx: Tx,
  workspaceId: string,
  sendId: string,
  nextTryAt: Date,
  at: Date,
): Promise<void> {
  await tx.query(sql`
    update send set state = 'queued', state_at = ${at}, next_try_at = ${nextTryAt}, claimed_by = null, claimed_at = null,
      call_until = null
    where workspace_id = ${workspaceId} and id = ${sendId} and state = 'claimed'`);
}

/** Gives a send up, visibly, with its reason. A send that was confirmed meanwhile stays so. The number is locked. */
export async function refuseSend(
  tx: Tx,
  workspaceId: string,
  sendId: string,
  refusal: SendRefusal,
  at: Date,
): Promise<void> {
  await tx.query(sql`
    with mine as (
      select id, conversation_id from send
      where workspace_id = ${workspaceId} and id = ${sendId} and state in ('queued', 'claimed', 'held') for update
    ), bumped as (
      update conversation set version = version + 1
      where workspace_id = ${workspaceId} and id in (select conversation_id from mine) returning version
    )
    update send set state = 'refused', state_at = ${at}, refusal = ${refusal}, version = bumped.version
    from mine, bumped where send.workspace_id = ${workspaceId} and send.id = mine.id`);
}

export interface StaleBounds {
  /** Claimed before this: given up once Meta has told us of a later send of the number, so its statuses do reach us. */
  claimedBefore: Date;
  /** Claimed before this: given up even when no later send can prove that. */
  claimedLongBefore: Date;
  at: Date;
}

/** Tells people that the outcome of these sends is not known. A late status still confirms them. The number is locked. */
export async function markUnconfirmed(
  tx: Tx,
  { workspaceId, numberId }: { workspaceId: string; numberId: string },
  { claimedBefore, claimedLongBefore, at }: StaleBounds,
): Promise<number> {
  const { rowCount } = await tx.query(sql`
    with stale as (
      select s.id, s.conversation_id from send s
      where s.workspace_id = ${workspaceId} and s.number_id = ${numberId} and s.state = 'claimed'
        and s.claimed_at <= ${claimedBefore} and (s.claimed_at <= ${claimedLongBefore} or exists (
          select from send later
          join message m on m.workspace_id = later.workspace_id and m.number_id = later.number_id and m.wamid = later.wamid
          where later.workspace_id = s.workspace_id and later.number_id = s.number_id and later.state = 'confirmed'
            and later.claimed_at > s.claimed_at and m.status_rank > 1))
      order by s.id limit 500 for update
    ), bumped as (
      update conversation set version = version + 1
      where workspace_id = ${workspaceId} and id in (select conversation_id from stale) returning id, version
    )
    update send set state = 'unconfirmed', state_at = ${at}, refusal = '{"code": "unconfirmed"}', version = bumped.version
    from stale join bumped on bumped.id = stale.conversation_id
    where send.workspace_id = ${workspaceId} and send.id = stale.id`);
  return rowCount ?? 0;
}
