import { serviceWindow } from "../service-window.ts";

/** What must be known before one free-form message may go out. */
export interface SendFacts {
  isNumberConnected: boolean;
  hasRecipient: boolean;
  lastLiveInboundAt?: Date;
  /** The server's clock. */
  now: Date;
}

export type SendPermission = { allowed: true; form: "free-form" } | { allowed: false; reason: SendRefusalReason };

/** Keys of the words: `refusal.<reason>.title`, `.action`. */
export type SendRefusalReason = "number_disconnected" | "no_recipient" | "window_closed";

/** Asked when a reply is written, and again in the transaction that claims it (I5). Marketing and consent join here later. */
export function permitSend({ isNumberConnected, hasRecipient, lastLiveInboundAt, now }: SendFacts): SendPermission {
  if (!isNumberConnected) return { allowed: false, reason: "number_disconnected" };
  if (!hasRecipient) return { allowed: false, reason: "no_recipient" };
  if (!serviceWindow(lastLiveInboundAt, now).isOpen) return { allowed: false, reason: "window_closed" };
  return { allowed: true, form: "free-form" };
}
