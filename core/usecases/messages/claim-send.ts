import { permitSend, type SendRefusalReason } from "#core/domain/send-permission/permit-send.ts";
import { lockWorkspacesOf } from "#core/store/numbers.ts";
import { holdsSenderLease, lockNextSend, markClaimed, refuseSend } from "#core/store/send-claims.ts";
import { selectRecipient } from "#core/store/send-recipient.ts";
import { type NumberKey, type SenderNumber, selectSenderNumber, wabaTokenContext } from "#core/store/sender-numbers.ts";
import type { SendRow } from "#core/store/sends.ts";
import { asWorkspaces, type Tx } from "#core/store/transaction.ts";
import { SEND_MS_MAX } from "#core/whatsapp/send-message.ts";
import type { OpenedNumber, SenderContext } from "./sender-context.ts";

export interface Claim {
  /** To be called now, with the number as it was in the claim; absent when nothing may go. */
  claimed?: { send: SendRow; number: OpenedNumber };
  /** How many were given up on the way, visibly. */
  refused: number;
}

interface Decision {
  claimed?: { send: SendRow; number: OpenedNumber };
  refused: Refused[];
}

interface Refused {
  sendId: string;
  /** A key of the words. */
  code: SendRefusalReason | "reconnect";
}

/** So many are passed over at once; the rest of them at the next look. */
const REFUSED_AT_ONCE_MAX = 50;

/** A call begins a little later than its claim, and its answer has to be written down. */
const CALL_MARGIN_MS = 3_000;

/**
 * Claims the next send of a number whose permission, recipient and token hold in this very transaction (I5, I16). What
 * it refuses is refused visibly, with its reason, and holds up nothing behind it. Undefined: the lease is lost, and
 * somebody else is the sender.
 */
export async function claimSend(context: SenderContext, key: NumberKey, leaseName: string): Promise<Claim | undefined> {
  const now = context.clock.now();
  const decision = await asWorkspaces(context.worker, [key.workspaceId], async (tx) =>
    (await holdsSenderLease(tx, leaseName, context.name)) ? await decide(tx, context, key, now) : undefined,
  );
  if (decision === undefined) return undefined;
  // What could not be refused now is still queued, and is asked about again at the next look; what is claimed must go out.
  const refused = await refuse(context, key, decision.refused, now).catch((err: unknown) => {
    context.log.warn({ err, numberId: key.numberId }, "refusals wait for the next look");
    return 0;
  });
  return { ...decision, refused };
}

async function decide(tx: Tx, context: SenderContext, key: NumberKey, now: Date): Promise<Decision> {
  const { workspaceId } = key;
  const found = await selectSenderNumber(tx, workspaceId, key.numberId);
  const number = found && opened(context, key, found);
  const refused: Refused[] = [];
  while (refused.length < REFUSED_AT_ONCE_MAX) {
    const passedOver = refused.map(({ sendId }) => sendId);
    const waiting = await lockNextSend(tx, { ...key, passedOver, now });
    if (waiting === undefined) break;
    const { lastLiveInboundAt, recipientPhone, recipientBsuid, ...rest } = waiting;
    const { phone, bsuid } = await selectRecipient(tx, workspaceId, waiting.identityId);
    const permission = permitSend({
      isNumberConnected: found !== undefined,
      hasRecipient: phone !== undefined || bsuid !== undefined,
      ...(lastLiveInboundAt && { lastLiveInboundAt }),
      now,
    });
    if (permission.allowed && number !== undefined) {
      // Not whom the reply was queued for, but who that person is now.
      const send: SendRow = {
        ...rest,
        ...(phone && { recipientPhone: phone }),
        ...(bsuid && { recipientBsuid: bsuid }),
      };
      await markClaimed(tx, workspaceId, send, { by: context.name, at: now, callMs: SEND_MS_MAX + CALL_MARGIN_MS });
      return { claimed: { send, number }, refused };
    }
    refused.push({ sendId: waiting.id, code: permission.allowed ? "reconnect" : permission.reason });
  }
  return { refused };
}

/** Undefined: there is no token, or none that opens. Only connecting the account again mends that. */
function opened(
  { sealer, log }: SenderContext,
  key: NumberKey,
  { tokenSealed, ...known }: SenderNumber,
): OpenedNumber | undefined {
  try {
    const token = tokenSealed && sealer.open(tokenSealed, wabaTokenContext(key.workspaceId, known.wabaId));
    if (token !== undefined) return { ...known, ...key, token };
    log.error(key, "the number has no token: what waits is refused");
  } catch (err) {
    log.error({ ...key, err }, "the token of the number does not open: what waits is refused");
  }
  return undefined;
}

/** In a transaction of its own: a refusal is shown, so it needs the number's lock, which a claim does not wait for. */
async function refuse(
  { worker }: SenderContext,
  { workspaceId, numberId }: NumberKey,
  refused: readonly Refused[],
  now: Date,
): Promise<number> {
  if (refused.length === 0) return 0;
  await asWorkspaces(worker, [workspaceId], async (tx) => {
    await lockWorkspacesOf(tx, [{ workspaceId, numberId }]);
    for (const { sendId, code } of refused) await refuseSend(tx, workspaceId, sendId, { code }, now);
  });
  return refused.length;
}
