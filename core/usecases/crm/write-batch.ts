import type { LogResult } from "#core/crm/connector.ts";
import type { Refusal } from "#core/crm/record.ts";
import { Failure } from "#core/kit/failure.ts";
import { nextDelayMs } from "#core/kit/retry.ts";
import { bumpMessages } from "#core/store/crm-messages.ts";
import {
  type LeasedWrite,
  markWritten,
  type Postponed,
  postponeInstall,
  postponeWrites,
  type Refused,
  refuseWrites,
} from "#core/store/crm-writes.ts";
import { lockWorkspaces } from "#core/store/numbers.ts";
import { deleteLinksOfRecords } from "#core/store/record-links.ts";
import { asWorkspaces, type Tx } from "#core/store/transaction.ts";
import type { Turn } from "./turn.ts";

const RETRY = { baseMs: 2_000, maxMs: 600_000, random: Math.random };

/** When only a person can help (the account was disconnected): looked at again so often. */
const NEVER_MS = 900_000;

/** Collects what became of each row and stores it at the end, in one transaction. */
export class WriteBatch {
  readonly turn: Turn;
  readonly #open: Map<string, LeasedWrite>;
  readonly #written: { messageId: string; activityId: string }[] = [];
  readonly #refused: Refused[] = [];
  readonly #postponed: Postponed[] = [];
  readonly #goneRecords = new Set<string>();
  #installWaitsMs = 0;

  constructor(turn: Turn, writes: readonly LeasedWrite[]) {
    this.turn = turn;
    this.#open = new Map(writes.map((row) => [row.messageId, row]));
  }

  open(): LeasedWrite[] {
    return [...this.#open.values()];
  }

  written(messageId: string, activityId: string): void {
    if (this.#open.delete(messageId)) this.#written.push({ messageId, activityId });
  }

  refuse(messageId: string, refusal: string, quietMs: number): void {
    if (this.#open.delete(messageId)) this.#refused.push({ messageId, refusal, quietMs });
  }

  /** Somebody else has it. */
  forget(messageId: string): void {
    this.#open.delete(messageId);
  }

  /** A record that is gone is forgotten, so that later messages find another one or make it. */
  refuseAt(recordId: string, messageId: string, refusal: Refusal): void {
    if (refusal.code === "crm.record_gone") this.#goneRecords.add(recordId);
    this.refuse(messageId, JSON.stringify(refusal), 0);
  }

  take(messageId: string, recordId: string, result: LogResult | undefined): void {
    if (result?.outcome === "written") this.written(messageId, result.activityId);
    else if (result?.outcome === "refused") this.refuseAt(recordId, messageId, result.refusal);
    else if (result?.outcome === "failed") this.postpone(messageId, "pending", result.failure);
    // Unknown, or no answer at all: left alone until the CRM must show it, then read back.
    else this.postpone(messageId, "writing", result?.failure ?? missingAnswer());
  }

  postpone(messageId: string, state: "pending" | "writing", failure: Failure, delayMs?: number): void {
    const row = this.#open.get(messageId);
    if (row === undefined) return;
    this.#open.delete(messageId);
    const afterMs = delayMs ?? delayOf(failure, row.attempts);
    // What may be on its way must have arrived before it is looked for.
    const waitsMs = state === "writing" ? Math.max(afterMs, this.turn.worker.times.settleMs) : afterMs;
    if (failure.next?.scope === "install") this.#installWaitsMs = Math.max(this.#installWaitsMs, waitsMs);
    this.#postponed.push({ messageId, state, delayMs: waitsMs, reason: failure.code });
  }

  postponeRest(failure: Failure): void {
    for (const { messageId, state } of this.open()) this.postpone(messageId, state, failure);
  }

  /** Returns whether the install has to wait. */
  async settle(): Promise<boolean> {
    const { turn } = this;
    const { log } = turn.context;
    await asWorkspaces(turn.worker.pool, [turn.install.workspaceId], async (tx) => {
      // Before any row: whoever changes what conversations show takes this lock first.
      if (this.#refused.length > 0) await lockWorkspaces(tx, [turn.install.workspaceId]);
      await markWritten(tx, turn.install, this.#written);
      await refuseWrites(tx, turn.lease, this.#refused);
      await this.#showRefused(tx);
      await postponeWrites(tx, turn.lease, this.#postponed);
      if (this.#installWaitsMs > 0) await postponeInstall(tx, turn.install, this.#installWaitsMs);
    });
    if (this.#written.length > 0) log.info({ written: this.#written.length }, "messages logged in the CRM");
    if (this.#refused.length > 0) log.warn({ refused: this.#refused }, "the CRM refused messages");
    if (this.#postponed.length > 0)
      log.warn(
        { postponed: this.#postponed.length, reasons: [...new Set(this.#postponed.map(({ reason }) => reason))] },
        "CRM writes wait",
      );
    return this.#installWaitsMs > 0;
  }

  async #showRefused(tx: Tx): Promise<void> {
    const { install } = this.turn;
    const messageIds = this.#refused.map(({ messageId }) => messageId);
    if (messageIds.length > 0) await bumpMessages(tx, install.workspaceId, messageIds);
    if (this.#goneRecords.size > 0) await deleteLinksOfRecords(tx, install, [...this.#goneRecords]);
  }
}

function delayOf({ next }: Failure, attempt: number): number {
  if (next?.retry === "never" && next.scope === "install") return NEVER_MS;
  return nextDelayMs({ ...RETRY, attempt, retryAfterMs: next?.afterMs });
}

function missingAnswer(): Failure {
  return new Failure("unavailable", "crm.lost_answer", "The connector answered for fewer messages than it was given.");
}
