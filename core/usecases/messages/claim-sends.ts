import { permitSend, type SendRefusalReason } from "#core/domain/send-permission/permit-send.ts";
import { lockWorkspacesOf } from "#core/store/numbers.ts";
import {
  holdsSenderLease,
  lockWaitingSends,
  markClaimed,
  refuseSend,
  type WaitingSend,
} from "#core/store/send-claims.ts";
import { type NumberKey, selectSenderNumber } from "#core/store/sender-numbers.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import type { SenderContext } from "./sender-context.ts";

export interface ClaimWish extends NumberKey {
  leaseName: string;
  busyConversations: readonly string[];
  limit: number;
}

/**
 * Claims the next sends of a number whose permission holds in this very transaction (I5); what it refuses is refused
 * visibly, with its reason. Undefined: the lease is lost, and somebody else is the sender.
 */
export async function claimSends(context: SenderContext, wish: ClaimWish): Promise<WaitingSend[] | undefined> {
  const now = context.clock.now();
  const decided = await asWorkspaces(context.worker, [wish.workspaceId], async (tx) => {
    if (!(await holdsSenderLease(tx, wish.leaseName, context.name))) return undefined;
    const number = await selectSenderNumber(tx, wish.workspaceId, wish.numberId);
    const waiting = await lockWaitingSends(tx, { ...wish, now });
    const decisions = waiting.map((send) => ({
      send,
      refusal: refusalOf(send, number?.tokenSealed !== undefined, now),
    }));
    const permitted = decisions.filter(({ refusal }) => refusal === undefined).map(({ send }) => send);
    await markClaimed(
      tx,
      wish.workspaceId,
      permitted.map(({ id }) => id),
      context.name,
      now,
    );
    return { permitted, refused: decisions.filter(({ refusal }) => refusal !== undefined) };
  });
  if (decided === undefined) return undefined;
  // What could not be refused now is still queued, and is asked about again at the next look; what is claimed must go out.
  await refuse(context, wish, decided.refused, now).catch((err: unknown) =>
    context.log.warn({ err, numberId: wish.numberId }, "refusals wait for the next look"),
  );
  return decided.permitted;
}

function refusalOf(send: WaitingSend, isNumberConnected: boolean, now: Date): SendRefusalReason | undefined {
  const permission = permitSend({
    isNumberConnected,
    hasRecipient: send.recipientPhone !== undefined || send.recipientBsuid !== undefined,
    ...(send.lastLiveInboundAt && { lastLiveInboundAt: send.lastLiveInboundAt }),
    now,
  });
  return permission.allowed ? undefined : permission.reason;
}

/** In a transaction of its own: a refusal is shown, so it needs the number's lock, which a claim does not wait for. */
async function refuse(
  { worker }: SenderContext,
  { workspaceId, numberId }: NumberKey,
  refused: readonly { send: WaitingSend; refusal: SendRefusalReason | undefined }[],
  now: Date,
): Promise<void> {
  if (refused.length === 0) return;
  await asWorkspaces(worker, [workspaceId], async (tx) => {
    await lockWorkspacesOf(tx, [{ workspaceId, numberId }]);
    for (const { send, refusal } of refused) {
      if (refusal !== undefined) await refuseSend(tx, workspaceId, send.id, { code: refusal }, now);
    }
  });
}
