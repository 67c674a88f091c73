import type { InstallKey } from "./record-links.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export interface LeasedWrite {
  messageId: string;
  /** `writing`: an earlier try may have reached the CRM unseen, so it is read back before anything is written. */
  state: "pending" | "writing";
  marker: string;
  attempts: number;
  recordId: string | null;
}

/** Who works on the rows, and for how long nobody else may. */
export interface WriteLease extends InstallKey {
  holder: string;
  leaseMs: number;
}

/**
 * Leases due rows of one install, oldest first. A row leased by a process that is gone becomes due when its lease ends.
 * An uninstalled install yields nothing.
 */
export async function leaseWrites(tx: Tx, lease: WriteLease, limit: number): Promise<LeasedWrite[]> {
  const { rows } = await tx.query<LeasedWrite>(sql`
    with due as (
      select message_id from crm_write
      where workspace_id = ${lease.workspaceId} and install_id = ${lease.installId}
        and state in ('pending', 'writing') and next_try_at <= clock_timestamp()
        and exists (select from install i where i.workspace_id = ${lease.workspaceId} and i.id = ${lease.installId}
          and i.uninstalled_at is null)
      order by next_try_at, message_id limit ${limit}
      for update skip locked)
    update crm_write c set leased_by = ${lease.holder}, attempts = c.attempts + 1, ${untilLeaseEnds(lease)}
    from due
    where c.workspace_id = ${lease.workspaceId} and c.install_id = ${lease.installId} and c.message_id = due.message_id
    returning c.message_id as "messageId", c.state, c.marker, c.attempts, c.record_id as "recordId"`);
  return rows;
}

/** Prolongs everything the holder works on. */
export async function renewWrites(tx: Tx, lease: WriteLease): Promise<void> {
  await tx.query(sql`
    update crm_write set ${untilLeaseEnds(lease)}
    where workspace_id = ${lease.workspaceId} and install_id = ${lease.installId}
      and leased_by = ${lease.holder} and leased_until > clock_timestamp()`);
}

/**
 * Says, before the CRM is called, that these rows may reach it from now on. Returns the messages that are still the
 * holder's: only those may be sent. Commit before calling.
 */
export async function markWriting(
  tx: Tx,
  lease: WriteLease,
  writes: readonly { messageId: string; recordId: string }[],
): Promise<string[]> {
  const { rows } = await tx.query<{ messageId: string }>(sql`
    update crm_write c set state = 'writing', record_id = w.record_id, refusal = null, ${untilLeaseEnds(lease)}
    from unnest(${writes.map((write) => write.messageId)}::bigint[], ${writes.map((write) => write.recordId)}::text[])
      as w (message_id, record_id)
    where c.workspace_id = ${lease.workspaceId} and c.install_id = ${lease.installId} and c.message_id = w.message_id
      and c.state in ('pending', 'writing') and c.leased_by = ${lease.holder} and c.leased_until > clock_timestamp()
      and exists (select from install i where i.workspace_id = ${lease.workspaceId} and i.id = ${lease.installId}
        and i.uninstalled_at is null)
    returning c.message_id as "messageId"`);
  return rows.map(({ messageId }) => messageId);
}

/** The CRM has them. True whoever says it, so a holder whose lease has ended may still say it. */
export async function markWritten(
  tx: Tx,
  install: InstallKey,
  writes: readonly { messageId: string; activityId: string }[],
): Promise<void> {
  await tx.query(sql`
    update crm_write c set state = 'written', activity_id = w.activity_id, refusal = null, leased_by = null, leased_until = null
    from unnest(${writes.map((write) => write.messageId)}::bigint[], ${writes.map((write) => write.activityId)}::text[])
      as w (message_id, activity_id)
    where c.workspace_id = ${install.workspaceId} and c.install_id = ${install.installId} and c.message_id = w.message_id
      and c.state in ('pending', 'writing')`);
}

export interface Postponed {
  messageId: string;
  /** `writing` when the CRM may have acted; `pending` when it surely has not; null to leave the row's own word. */
  state: "pending" | "writing" | null;
  delayMs: number;
  /** Why it waits, as a code that a person can be told in words. */
  reason: string;
}

export async function postponeWrites(tx: Tx, lease: WriteLease, writes: readonly Postponed[]): Promise<void> {
  await tx.query(sql`
    update crm_write c set state = coalesce(w.state, c.state), refusal = w.reason, leased_by = null, leased_until = null,
      next_try_at = clock_timestamp() + w.delay_ms * interval '1 ms'
    from unnest(${writes.map((write) => write.messageId)}::bigint[], ${writes.map((write) => write.state)}::text[],
      ${writes.map((write) => Math.round(write.delayMs))}::bigint[], ${writes.map((write) => write.reason)}::text[])
      as w (message_id, state, delay_ms, reason)
    where c.workspace_id = ${lease.workspaceId} and c.install_id = ${lease.installId} and c.message_id = w.message_id
      and c.state in ('pending', 'writing') and c.leased_by = ${lease.holder}`);
}

/** Everything of the install that nobody works on waits, too: the CRM does not want to hear of any of it now. */
export async function postponeInstall(tx: Tx, install: InstallKey, delayMs: number): Promise<void> {
  await tx.query(sql`
    update crm_write set next_try_at = clock_timestamp() + ${Math.round(delayMs)} * interval '1 ms'
    where workspace_id = ${install.workspaceId} and install_id = ${install.installId} and state in ('pending', 'writing')
      and leased_by is null and next_try_at < clock_timestamp() + ${Math.round(delayMs)} * interval '1 ms'`);
}

export interface Refused {
  messageId: string;
  /** JSON: the code of the words' catalogue and its detail. */
  refusal: string;
  /** For so long the CRM is not asked again about the same person. */
  quietMs: number;
}

/** The CRM will not have them, and why. */
export async function refuseWrites(tx: Tx, lease: WriteLease, writes: readonly Refused[]): Promise<void> {
  await tx.query(sql`
    update crm_write c set state = 'refused', refusal = w.refusal, leased_by = null, leased_until = null,
      next_try_at = clock_timestamp() + w.quiet_ms * interval '1 ms'
    from unnest(${writes.map((write) => write.messageId)}::bigint[], ${writes.map((write) => write.refusal)}::text[],
      ${writes.map((write) => write.quietMs)}::bigint[]) as w (message_id, refusal, quiet_ms)
    where c.workspace_id = ${lease.workspaceId} and c.install_id = ${lease.installId} and c.message_id = w.message_id
      and c.state in ('pending', 'writing') and c.leased_by = ${lease.holder}`);
}

function untilLeaseEnds({ leaseMs }: WriteLease) {
  // next_try_at moves along, so that nobody even looks at the install while its rows are being worked on.
  return sql`leased_until = clock_timestamp() + ${leaseMs} * interval '1 ms',
    next_try_at = clock_timestamp() + ${leaseMs} * interval '1 ms'`;
}
