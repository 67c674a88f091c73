import type { MessageContent, Origin } from "#core/domain/fact.ts";
import type { SendState } from "#core/domain/send-state.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** One try to send one message, with all that is needed to print its bubble. */
export interface SendRow {
  id: string;
  idempotencyKey: string;
  numberId: string;
  conversationId: string;
  identityId: string;
  origin: Origin;
  originId?: string;
  recipientPhone?: string;
  recipientBsuid?: string;
  type: string;
  body?: string;
  content?: MessageContent;
  quotedWamid?: string;
  seenVersion?: string;
  state: SendState;
  stateAt: Date;
  /** When it was last claimed to be sent: the time a confirmed one is shown at, however late its confirmation came. */
  claimedAt?: Date;
  refusal?: SendRefusal;
  wamid?: string;
  attempts: number;
  version: string;
  createdAt: Date;
}

/** `code` is a key of the words; `metaCode` and `detail` are what Meta said, for support. */
export interface SendRefusal {
  code: string;
  metaCode?: number;
  detail?: string;
}

export type NewSend = Omit<SendRow, "state" | "stateAt" | "refusal" | "wamid" | "attempts" | "version">;

/** Meta's word, by answer or by status, that it took a send. */
export interface SendConfirmation {
  sendId: string;
  wamid: string;
  at: Date;
}

/** `was` is the state before; "refused" and "cancelled" mean that we had been wrong (see `contradicts`). */
export type ConfirmedSend = SendRow & { state: "confirmed"; wamid: string; was: SendState };

export const sendColumns = sql`
  s.id, s.idempotency_key as "idempotencyKey", s.number_id as "numberId", s.conversation_id as "conversationId",
  s.identity_id as "identityId", s.origin, s.origin_id as "originId", s.recipient_phone as "recipientPhone",
  s.recipient_bsuid as "recipientBsuid", s.type, s.body, s.content, s.quoted_wamid as "quotedWamid",
  s.seen_version as "seenVersion", s.state, s.state_at as "stateAt", s.refusal, s.wamid, s.attempts, s.version,
  s.created_at as "createdAt", s.claimed_at as "claimedAt"`;

/**
 * Moves sends to "confirmed" and returns those that were not yet, with their content: the caller makes the message of
 * each in this same transaction. Repeating a confirmation returns nothing for it. An unknown id is ignored: the opaque
 * data of a status may be somebody else's. The caller holds the lock of the workspace.
 */
export async function confirmSends(
  tx: Tx,
  workspaceId: string,
  confirmations: readonly SendConfirmation[],
): Promise<ConfirmedSend[]> {
  // "sent" and "delivered" of one send may come in one batch.
  const bySend = new Map(confirmations.filter(({ sendId }) => isUuid(sendId)).map((word) => [word.sendId, word]));
  if (bySend.size === 0) return [];
  const words = [...bySend.values()];

  const { rows } = await tx.query<Nullable<ConfirmedSend>>(sql`
    with word as (
      select * from unnest(${words.map((word) => word.sendId)}::uuid[], ${words.map((word) => word.wamid)}::text[],
        ${words.map((word) => word.at)}::timestamptz[]) as word (id, wamid, at)
    ), before as (
      select send.id, send.conversation_id, send.state from send join word using (id)
      where send.workspace_id = ${workspaceId} and send.state <> 'confirmed'
      order by send.id for update of send
    ), bumped as (
      update conversation set version = version + 1
      where workspace_id = ${workspaceId} and id in (select conversation_id from before)
      returning id, version
    )
    update send s set state = 'confirmed', state_at = word.at, wamid = word.wamid, refusal = null, version = bumped.version
    from before join word using (id) join bumped on bumped.id = before.conversation_id
    where s.workspace_id = ${workspaceId} and s.id = before.id
    returning ${sendColumns}, before.state as was`);
  return rows.map(withoutNulls);
}

/** Stores a send once per idempotency key: false when the key is already taken. */
export async function insertSend(tx: Tx, workspaceId: string, send: NewSend, version: string): Promise<boolean> {
  const { rowCount } = await tx.query(sql`
    insert into send (workspace_id, id, idempotency_key, number_id, conversation_id, identity_id, origin, origin_id,
      recipient_phone, recipient_bsuid, type, body, content, quoted_wamid, seen_version, state, state_at, version,
      created_at)
    values (${workspaceId}, ${send.id}, ${send.idempotencyKey}, ${send.numberId}, ${send.conversationId},
      ${send.identityId}, ${send.origin}, ${send.originId}, ${send.recipientPhone}, ${send.recipientBsuid}, ${send.type},
      ${send.body}, ${send.content}, ${send.quotedWamid}, ${send.seenVersion}, 'queued', ${send.createdAt}, ${version},
      ${send.createdAt})
    on conflict (workspace_id, idempotency_key) do nothing`);
  return rowCount === 1;
}

export async function selectSendByKey(tx: Tx, workspaceId: string, key: string): Promise<SendRow | undefined> {
  const { rows } = await tx.query<Nullable<SendRow>>(sql`
    select ${sendColumns} from send s where s.workspace_id = ${workspaceId} and s.idempotency_key = ${key}`);
  return rows[0] && withoutNulls<SendRow>(rows[0]);
}

export type Nullable<Row> = { [Key in keyof Row]: Row[Key] | null };

/** PostgreSQL says null where our types say absent. */
export function withoutNulls<Row extends object>(row: Nullable<Row>): Row {
  // Safe: a null is only possible where the row's type says optional.
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)) as Row;
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
