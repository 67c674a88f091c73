import { contradicts } from "#core/domain/send-state.ts";
import { type LockedNumber, lockWorkspacesOf } from "#core/store/numbers.ts";
import { endCall, refuseSend, requeueSend } from "#core/store/send-claims.ts";
import { confirmSends } from "#core/store/sends.ts";
import { asWorkspaces, type Tx } from "#core/store/transaction.ts";
import { applyFacts } from "../deliveries/apply/apply-facts.ts";
import { sentMessage } from "../deliveries/apply/confirm-sends.ts";
import type { SendAnswer } from "./call-meta.ts";
import type { OpenedNumber, SenderContext } from "./sender-context.ts";

interface AnsweredSend {
  sendId: string;
  answer: SendAnswer;
  at: Date;
}

/**
 * Writes down what Meta answered, or that nothing is known. A confirmed send becomes its message in the same transaction, by the code that joins
 * webhooks: the status may have come first.
 */
export async function recordAnswers(
  context: SenderContext,
  number: OpenedNumber,
  answers: readonly AnsweredSend[],
): Promise<void> {
  const { workspaceId } = number;
  await asWorkspaces(context.worker, [workspaceId], async (tx) => {
    const [locked] = await lockWorkspacesOf(tx, [number]);
    if (locked !== undefined) await confirm(tx, context, locked, answers);
    for (const { sendId, answer, at } of answers) {
      if (answer.outcome === "unknown") await endCall(tx, workspaceId, sendId);
      if (answer.outcome === "refused") await refuseSend(tx, workspaceId, sendId, answer.refusal, at);
      if (answer.outcome === "not-taken") {
        await requeueSend(tx, workspaceId, sendId, new Date(at.getTime() + answer.nextTryMs), at);
      }
    }
  });
}

async function confirm(
  tx: Tx,
  { log, clock }: SenderContext,
  { workspaceId, numberId, portfolioKey, hasInstall }: LockedNumber,
  answers: readonly AnsweredSend[],
): Promise<void> {
  const accepted = answers.flatMap(({ sendId, answer, at }) =>
    answer.outcome === "accepted" ? [{ sendId, wamid: answer.wamid, at }] : [],
  );
  const confirmed = await confirmSends(tx, workspaceId, accepted);
  for (const { id: sendId, was } of confirmed) {
    if (contradicts(was)) log.warn({ workspaceId, sendId, was }, "Meta took a send that we had given up");
  }
  const receivedAt = clock.now();
  const entries = confirmed.map((send, position) => ({
    ...{ workspaceId, numberId, portfolioKey, deliveryId: NO_DELIVERY, change: 0, position, receivedAt },
    fact: sentMessage(send),
  }));
  if (entries.length > 0) await applyFacts(tx, entries, { now: receivedAt, hasInstall: () => hasInstall });
}

/** An answer comes by no delivery. */
const NO_DELIVERY = "0";
