import type { ActivityAuthor, CrmActivity, CrmRecord, Refusal } from "#core/crm/record.ts";
import { Failure } from "#core/kit/failure.ts";
import { type CrmMessage, selectCrmMessages } from "#core/store/crm-messages.ts";
import { type LeasedWrite, leaseWrites, markWriting } from "#core/store/crm-writes.ts";
import { asWorkspaces, type Tx } from "#core/store/transaction.ts";
import type { CrmWorker } from "./crm-worker.ts";
import { type Linked, linkPersons } from "./link-persons.ts";
import { type Turn, takeTurn } from "./turn.ts";
import { WriteBatch } from "./write-batch.ts";

/** A turn ends after so many batches, so that an install with a long queue does not keep the others waiting. */
const BATCHES_MAX = 5;

/**
 * Writes the due messages of one install to its CRM: links each person to a record, then logs in batches. Killed at any
 * point it is continued by whoever comes next, without a second contact or a second entry: a row is `writing` from before
 * the CRM hears of it until the answer is kept, and such rows are read back first. Returns how many rows it took up.
 */
export function logMessages(worker: CrmWorker, due: { workspaceId: string; installId: string }): Promise<number> {
  return takeTurn(worker, due, async (turn) => {
    let taken = 0;
    for (let batches = 0; batches < BATCHES_MAX && !worker.stopping.aborted; batches++) {
      const writes = await inWorkspace(turn, (tx) => leaseWrites(tx, turn.lease, turn.connector.activitiesMax));
      if (writes.length === 0) break;
      taken += writes.length;
      const stopped = await logBatch(turn, writes);
      if (stopped) break;
    }
    return taken;
  });
}

/** Returns whether the install has to wait. */
async function logBatch(turn: Turn, writes: readonly LeasedWrite[]): Promise<boolean> {
  const batch = new WriteBatch(turn, writes);
  try {
    await readBack(batch);
    const ready = await link(batch);
    await write(batch, ready);
  } catch (error) {
    if (!(error instanceof Failure)) turn.context.log.error({ err: error }, "a batch of CRM writes failed");
    batch.postponeRest(
      error instanceof Failure
        ? error
        : new Failure("unavailable", "crm.batch_failed", String(error), { cause: error }),
    );
  }
  return batch.settle();
}

/** Rows that may have been written already: those that were are done, the others may be written now. */
async function readBack(batch: WriteBatch): Promise<void> {
  const byRecord = Map.groupBy(
    batch.open().filter(({ state, recordId }) => state === "writing" && recordId !== null),
    (row) => row.recordId as string,
  );
  const { connector, context } = batch.turn;
  for (const [recordId, rows] of byRecord) {
    try {
      const record = { type: "contact", id: recordId };
      const logged = await connector.findLogged(
        context,
        record,
        rows.map(({ marker }) => marker),
      );
      for (const row of rows) {
        const activityId = logged.get(row.marker);
        if (activityId !== undefined) batch.written(row.messageId, activityId);
      }
      context.log.info({ rows: rows.length, found: logged.size }, "read back after a lost answer");
    } catch (error) {
      if (!(error instanceof Failure) || error.next?.scope === "install") throw error;
      // Looking again would show no more: a person has to look, since writing again could write twice.
      const code = error.next?.retry === "never" ? refusalCodeOf(error) : undefined;
      for (const { messageId } of rows) {
        if (code !== undefined) batch.refuseAt(recordId, messageId, { code });
        else batch.postpone(messageId, "writing", error);
      }
    }
  }
}

function refusalCodeOf({ code }: Failure): Refusal["code"] {
  return code === "crm.record_gone" || code === "crm.timeline_too_long" ? code : "crm.log_unknown";
}

interface Ready {
  row: LeasedWrite;
  message: CrmMessage;
  record: CrmRecord;
}

async function link(batch: WriteBatch): Promise<Ready[]> {
  const open = batch.open();
  if (open.length === 0) return [];
  const { turn } = batch;
  const messages = await inWorkspace(turn, (tx) =>
    selectCrmMessages(
      tx,
      turn.install.workspaceId,
      open.map(({ messageId }) => messageId),
    ),
  );
  const byId = new Map(messages.map((message) => [message.messageId, message]));
  const loggable = open.filter(({ messageId }) => {
    const refusal = refusalOf(byId.get(messageId));
    if (refusal !== undefined) batch.refuse(messageId, JSON.stringify({ code: refusal }), 0);
    return refusal === undefined;
  });
  const identities = new Map(
    loggable.map(({ messageId }) => [byId.get(messageId)?.personId ?? "", byId.get(messageId)?.identityId ?? ""]),
  );
  const linked = await linkPersons(turn, identities);
  return loggable.flatMap((row) => {
    const message = byId.get(row.messageId) as CrmMessage;
    const record = recordOf(batch, row, linked.get(message.personId ?? ""));
    return record ? [{ row, message, record }] : [];
  });
}

function recordOf(
  batch: WriteBatch,
  { messageId, state }: LeasedWrite,
  linked: Linked | undefined,
): CrmRecord | undefined {
  if (linked?.outcome === "linked") return linked.record;
  if (linked?.outcome === "refused") batch.refuse(messageId, linked.refusal, linked.quietMs);
  if (linked?.outcome === "waits") batch.postpone(messageId, state, linked.failure, linked.delayMs);
  return undefined;
}

/** What has no record to stand on, and never will. */
function refusalOf(message: CrmMessage | undefined): string | undefined {
  if (message === undefined || message.sentAt === null || message.direction === null) return "crm.message_unknown";
  if (message.identityKind === "group") return "crm.group_has_no_record";
  if (message.identityKind === "unnamed" || message.personId === null) return "crm.person_unnamed";
  return undefined;
}

async function write(batch: WriteBatch, ready: readonly Ready[]): Promise<void> {
  if (ready.length === 0) return;
  const { turn } = batch;
  const rows = ready.map(({ row, record }) => ({ messageId: row.messageId, recordId: record.id }));
  const ours = new Set(await inWorkspace(turn, (tx) => markWriting(tx, turn.lease, rows)));
  // Committed: from here on these count as "may have been written".
  const sent = ready.filter(({ row }) => ours.has(row.messageId)).toSorted((a, b) => timeOf(a) - timeOf(b));
  for (const { row } of ready) if (!ours.has(row.messageId)) batch.forget(row.messageId);
  if (sent.length === 0) return;
  for (const { row } of sent) row.state = "writing";
  const results = await turn.connector.logMessages(turn.context, sent.map(activityOf));
  for (const [at, { row, record }] of sent.entries()) batch.take(row.messageId, record.id, results[at]);
}

function timeOf({ message }: Ready): number {
  return message.sentAt?.getTime() ?? 0;
}

function activityOf({ row, message, record }: Ready): CrmActivity {
  const author: ActivityAuthor = message.direction === "in" ? "customer" : authorOf(message.origin);
  return {
    marker: row.marker,
    record,
    author,
    type: message.type ?? "unknown",
    ...(message.body !== null && { text: message.body }),
    isRevoked: message.isRevoked,
    sentAt: message.sentAt as Date,
  };
}

const AUTHORS = new Set(["phone", "agent", "campaign", "workflow", "automation", "api", "import"]);

function authorOf(origin: string | null): ActivityAuthor {
  return origin !== null && AUTHORS.has(origin) ? (origin as ActivityAuthor) : "api";
}

function inWorkspace<T>({ worker, install }: Turn, work: (tx: Tx) => Promise<T>): Promise<T> {
  return asWorkspaces(worker.pool, [install.workspaceId], work);
}
