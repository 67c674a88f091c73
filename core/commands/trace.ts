// npm run trace -- WAMID|REQUEST_ID: what became of a message or request, step by step. Ids and times, no text and no phone.

import type pg from "pg";
import { auditOf, messagesOf, partsOf, type Row, sendsOf, type TracedMessage } from "#core/store/message-trace.ts";
import { inTransaction, type Tx } from "#core/store/transaction.ts";
import { runCommand } from "./run-command.ts";
import { deliveryLines, type Told, toldSpan } from "./trace/deliveries.ts";
import { lineOf } from "./trace/line.ts";

/** The scan of the deliveries is the long part. */
const lookMs = 120_000;

export interface TraceOptions {
  owner: pg.Pool;
  now: Date;
}

/** The lines of a trace; `isFound` is false when nothing of ours knows this id. Changes nothing. */
export async function trace({ owner, now }: TraceOptions, id: string): Promise<{ isFound: boolean; lines: string[] }> {
  return inTransaction(owner, async (tx) => {
    await tx.query(`set transaction read only; set local statement_timeout = ${lookMs}`);
    const messages = await messagesOf(tx, id);
    const aboutRequest = await requestLines(tx, id);
    const sends = (await sendsOf(tx, { wamid: id })).map((row) => lineOf("send", row));
    const aboutMessages = await messageLines(tx, messages);
    const isRequest = aboutRequest.length > 0 && messages.length === 0;
    const told: Told = { wamids: [...new Set([id, ...messages.map((row) => String(row["wamid"]))])], ...aboutMessages };
    const deliveries = isRequest ? [] : await deliveryLines(tx, told, now);

    const lines = [...deliveries, ...aboutMessages.lines, ...sends, ...aboutRequest];
    if (lines.length > 0) return { isFound: true, lines };
    const { from } = toldSpan(told, now);
    return { isFound: false, lines: [nothingFound(id, from)] };
  });
}

function nothingFound(id: string, from: Date): string {
  return `Nothing is known of ${id}: no message, edit, reaction or send has this wamid, no audit entry this request id, and no delivery since ${from.toISOString()} holds it. Check the id; older deliveries are only searched for messages that are stored.`;
}

/** Each message with what hangs on it, and the times at which deliveries told of it. */
async function messageLines(
  tx: Tx,
  messages: readonly TracedMessage[],
): Promise<{ lines: string[]; heardAt: Date[]; times: Date[] }> {
  const lines: string[] = [];
  const times: Date[] = [];
  for (const message of messages) {
    const parts = await partsOf(tx, message);
    lines.push(lineOf("message", message), ...parts.map(([name, row]) => lineOf(name, row)));
    times.push(...parts.flatMap(([name, row]) => (name === "CRM write" ? [] : datesOf(row))));
  }
  return { lines, heardAt: messages.map(({ receivedAt }) => receivedAt), times };
}

function datesOf(row: Row): Date[] {
  return Object.values(row).filter((value) => value instanceof Date);
}

async function requestLines(tx: Tx, requestId: string): Promise<string[]> {
  const entries = await auditOf(tx, requestId);
  const ids = entries.flatMap(({ sendId }) => (sendId === null ? [] : [sendId]));
  const sends = ids.length === 0 ? [] : await sendsOf(tx, { ids });
  return [...entries.map((row) => lineOf("audit", row)), ...sends.map((row) => lineOf("send", row))];
}

if (import.meta.main) {
  const [id, ...more] = process.argv.slice(2);
  if (id === undefined || more.length > 0) {
    console.error("Usage: npm run trace -- WAMID|REQUEST_ID");
    process.exitCode = 2;
  } else
    await runCommand(async ({ owner }) => {
      const { isFound, lines } = await trace({ owner, now: new Date() }, id);
      if (!isFound) process.exitCode = 1;
      return lines;
    });
}
