import { setTimeout as sleep } from "node:timers/promises";
import { pauseBucket, takeTokens } from "#core/store/buckets.ts";
import { acquireLeases, releaseLeases, renewLeases } from "#core/store/leases.ts";
import { isTransient } from "#core/store/postgres-errors.ts";
import { type NumberKey, selectSenderNumber, wabaTokenContext } from "#core/store/sender-numbers.ts";
import type { SendRow } from "#core/store/sends.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { callMeta } from "./call-meta.ts";
import { claimSends } from "./claim-sends.ts";
import { type KnownAnswer, recordAnswers } from "./record-answers.ts";
import { messagesPerSecond, type OpenedNumber, type SenderContext } from "./sender-context.ts";

const LEASE_MS = 15_000;
const RENEW_AFTER_MS = 5_000;
const TOKEN_WAIT_MS = 2_000;
const IDLE_LOOK_MS = 100;
const RECORD_TRIES_MAX = 20;
const RECORD_RETRY_MS = 500;

/** Below Meta's limit, so that our burst of one and the clock of the other side stay inside it. */
const LIMIT_SHARE = 0.98;

/**
 * Sends what one number has waiting, as its only sender over all processes, until nothing waits any more.
 * One message of a conversation at a time; different conversations side by side, as fast as the number's limit allows.
 * Returns how many it called Meta for.
 */
export async function deliverNumber(context: SenderContext, key: NumberKey, stopping: AbortSignal): Promise<number> {
  const leaseName = `send:${key.numberId}`;
  if ((await acquireLeases(context.worker, [leaseName], context.name, LEASE_MS)).length === 0) return 0;
  const onTheirWay = new Map<string, Promise<void>>();
  try {
    const number = await openNumber(context, key);
    return await sendAll({ context, key, number, leaseName, onTheirWay, stopping });
  } finally {
    await Promise.all(onTheirWay.values());
    await releaseLeases(context.worker, [leaseName], context.name);
  }
}

interface Turn {
  context: SenderContext;
  key: NumberKey;
  /** Undefined while disconnected: then the claims refuse whatever waits. */
  number: OpenedNumber | undefined;
  leaseName: string;
  /** By conversation. */
  onTheirWay: Map<string, Promise<void>>;
  stopping: AbortSignal;
}

async function sendAll(turn: Turn): Promise<number> {
  const { context, key, number, leaseName, onTheirWay, stopping } = turn;
  const perSecond = messagesPerSecond(number ?? { isCoexistence: true });
  const bucket = { name: `send:${key.numberId}`, capacity: 1, perSecond: perSecond * LIMIT_SHARE };
  let renewedMs = context.clock.monotonicMs();
  let count = 0;

  while (!stopping.aborted) {
    if (context.clock.monotonicMs() - renewedMs > RENEW_AFTER_MS) {
      if ((await renewLeases(context.worker, [leaseName], context.name, LEASE_MS)).length === 0) return count;
      renewedMs = context.clock.monotonicMs();
    }
    const waitMs = await takeTokens(context.worker, bucket, 1, TOKEN_WAIT_MS);
    if (waitMs !== 0) await sleep(waitMs ?? TOKEN_WAIT_MS);
    if (waitMs === undefined) continue;

    const wish = { ...key, leaseName, busyConversations: [...onTheirWay.keys()], limit: 1 };
    const claimed = await claimSends(context, wish);
    if (claimed === undefined) return count;
    for (const send of claimed) {
      if (number !== undefined) start(turn, number, send, bucket);
    }
    count += claimed.length;
    if (claimed.length > 0) continue;
    if (onTheirWay.size === 0) return count;
    await Promise.race([...onTheirWay.values(), sleep(IDLE_LOOK_MS)]);
  }
  return count;
}

function start(
  { context, onTheirWay }: Turn,
  number: OpenedNumber,
  send: SendRow,
  bucket: { name: string; capacity: number; perSecond: number },
): void {
  const done = deliver(context, number, send, bucket)
    .catch((err: unknown) => context.log.error({ err, sendId: send.id, numberId: send.numberId }, "send not settled"))
    .finally(() => onTheirWay.delete(send.conversationId));
  onTheirWay.set(send.conversationId, done);
}

async function deliver(
  context: SenderContext,
  number: OpenedNumber,
  send: SendRow,
  bucket: { name: string; capacity: number; perSecond: number },
): Promise<void> {
  const answer = await callMeta(context, number, send);
  const { id: sendId } = send;
  if (answer.outcome === "unknown") {
    context.log.warn({ workspaceId: number.workspaceId, sendId, because: answer.because }, "send outcome unknown");
    return;
  }
  if (answer.outcome === "not-taken" && answer.isThroughput)
    await pauseBucket(context.worker, bucket, answer.nextTryMs);
  await record(context, number, { sendId, answer, at: context.clock.now() });
  const { outcome } = answer;
  context.log.info({ workspaceId: number.workspaceId, sendId, outcome }, "send answered");
}

/** What Meta answered is known here only: it is written down even when the database is away for a while. */
async function record(context: SenderContext, number: OpenedNumber, answer: KnownAnswer): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await recordAnswers(context, number, [answer]);
      return;
    } catch (error) {
      if (!isTransient(error) || tries === RECORD_TRIES_MAX) throw error;
      await sleep(RECORD_RETRY_MS * context.random());
    }
  }
}

async function openNumber(context: SenderContext, key: NumberKey): Promise<OpenedNumber | undefined> {
  const number = await asWorkspaces(context.worker, [key.workspaceId], (tx) =>
    selectSenderNumber(tx, key.workspaceId, key.numberId),
  );
  if (number?.tokenSealed === undefined) return undefined;
  const { tokenSealed, ...known } = number;
  const token = context.sealer.open(tokenSealed, wabaTokenContext(key.workspaceId, number.wabaId));
  return { ...known, ...key, token };
}
