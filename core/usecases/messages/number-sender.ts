import { setTimeout as sleep } from "node:timers/promises";
import { type BucketLimit, pauseBucket, takeTokens } from "#core/store/buckets.ts";
import { acquireLeases, releaseLeases } from "#core/store/leases.ts";
import { isTransient } from "#core/store/postgres-errors.ts";
import { type NumberKey, selectSenderNumber } from "#core/store/sender-numbers.ts";
import type { SendRow } from "#core/store/sends.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { callMeta } from "./call-meta.ts";
import { claimSend } from "./claim-send.ts";
import { pause } from "./pause.ts";
import { recordAnswers } from "./record-answers.ts";
import { messagesPerSecond, type OpenedNumber, type SenderContext } from "./sender-context.ts";

/** A turn is shorter by far, so its lease needs no renewal; every claim asks whether it still holds. */
const TURN_MS_MAX = 2_000;
const LEASE_MS = 15_000;

/** A number that has to wait longer for its limit gives its place to others. */
const TOKEN_WAIT_MS_MAX = 500;
const IDLE_LOOK_MS = 100;
const RECORD_TRIES_MAX = 20;
const RECORD_RETRY_MS = 500;

/** Below Meta's limit, so that our burst of one and the clock of the other side stay inside it. */
const LIMIT_SHARE = 0.98;

export interface TurnOptions {
  /** Claims nothing any more once it is aborted. */
  stopping: AbortSignal;
  /** Told of every call: it may outlast the turn, and its answer has to be written down. It never rejects. */
  onCall(call: Promise<void>): void;
}

export interface TurnResult {
  /** Claimed or refused: what moved. */
  moved: number;
  /** The limit of the number has no room for a while. */
  isPaused: boolean;
}

/**
 * Sends what one number has waiting, as its only claimant over all processes: one message of a conversation at a time,
 * different conversations side by side, as fast as the number's limit allows. A turn ends when nothing waits, when the
 * number is paused, or when its time is up; the calls it began go on without it.
 */
export async function takeTurn(context: SenderContext, key: NumberKey, options: TurnOptions): Promise<TurnResult> {
  const leaseName = `send:${key.numberId}`;
  if ((await acquireLeases(context.worker, [leaseName], context.name, LEASE_MS)).length === 0) {
    return { moved: 0, isPaused: false };
  }
  try {
    return await sendWaiting(context, key, leaseName, options);
  } finally {
    await releaseLeases(context.worker, [leaseName], context.name);
  }
}

async function sendWaiting(
  context: SenderContext,
  key: NumberKey,
  leaseName: string,
  { stopping, onCall }: TurnOptions,
): Promise<TurnResult> {
  const bucket = await bucketOf(context, key);
  const calls = new Set<Promise<void>>();
  const endMs = context.clock.monotonicMs() + TURN_MS_MAX;
  let moved = 0;

  while (context.clock.monotonicMs() < endMs) {
    const waitMs = await takeTokens(context.worker, bucket, 1, TOKEN_WAIT_MS_MAX);
    if (waitMs === undefined) return { moved, isPaused: true };
    await pause(waitMs, stopping);
    if (stopping.aborted) break;

    const claim = await claimSend(context, key, leaseName);
    if (claim === undefined) break;
    const { claimed, refused } = claim;
    moved += refused + (claimed ? 1 : 0);
    if (claimed !== undefined) {
      const call = deliver(context, claimed.number, claimed.send, bucket).finally(() => calls.delete(call));
      calls.add(call);
      onCall(call);
    } else if (refused === 0) {
      if (calls.size === 0) break;
      await Promise.race([...calls, pause(IDLE_LOOK_MS, stopping)]);
    }
  }
  return { moved, isPaused: false };
}

async function bucketOf({ worker }: SenderContext, { workspaceId, numberId }: NumberKey): Promise<BucketLimit> {
  const number = await asWorkspaces(worker, [workspaceId], (tx) => selectSenderNumber(tx, workspaceId, numberId));
  const perSecond = messagesPerSecond(number ?? { isCoexistence: true });
  return { name: `send:${numberId}`, capacity: 1, perSecond: perSecond * LIMIT_SHARE };
}

/** Calls Meta once for a claimed send and writes down what came of it. Never rejects. */
async function deliver(
  context: SenderContext,
  number: OpenedNumber,
  send: SendRow,
  bucket: BucketLimit,
): Promise<void> {
  const ids = { workspaceId: number.workspaceId, numberId: number.numberId, sendId: send.id };
  try {
    const answer = await callMeta(context, number, send);
    const { outcome } = answer;
    if (outcome === "unknown") context.log.warn({ ...ids, because: answer.because }, "send outcome unknown");
    else context.log.info({ ...ids, outcome }, "send answered");
    const answered = { sendId: send.id, answer, at: context.clock.now() };
    await untilWritten(context, async () => {
      if (outcome === "not-taken" && answer.holdsUpNumber) await pauseBucket(context.worker, bucket, answer.nextTryMs);
      await recordAnswers(context, number, [answered]);
    });
  } catch (err) {
    context.log.error({ ...ids, err }, "send not settled: it waits for its status");
  }
}

/** What Meta answered is known here only: it is written down even when the database is away for a while. */
async function untilWritten({ random }: SenderContext, write: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await write();
    } catch (error) {
      if (!isTransient(error) || tries === RECORD_TRIES_MAX) throw error;
      await sleep(RECORD_RETRY_MS * random());
    }
  }
}
