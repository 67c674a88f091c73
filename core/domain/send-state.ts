/** What we know of our own sending. Not Meta's status of a message: that one starts when a send is confirmed. */
export const sendStates = ["queued", "claimed", "confirmed", "refused", "held", "cancelled", "unconfirmed"] as const;
export type SendState = (typeof sendStates)[number];

/**
 * Where a send may go from each state. "claimed" is written before Meta is called, so nothing that was ever claimed
 * goes back to "queued" unless Meta certainly did not take it (I4); a lost answer waits in "claimed" for its status.
 */
export const sendTransitions: Readonly<Record<SendState, readonly SendState[]>> = {
  queued: ["claimed", "refused", "held", "cancelled", "confirmed"],
  claimed: ["confirmed", "refused", "held", "queued", "unconfirmed"],
  held: ["queued", "refused", "cancelled", "confirmed"],
  unconfirmed: ["confirmed"],
  // Meta's own status outweighs what we believed. Whoever makes these two moves has to say so.
  refused: ["confirmed"],
  cancelled: ["confirmed"],
  confirmed: [],
};

export function maySendMove(from: SendState, to: SendState): boolean {
  return sendTransitions[from].includes(to);
}

/** A confirmation that says we had been wrong: the send was given up, and Meta delivered it nevertheless. */
export function contradicts(was: SendState): boolean {
  return was === "refused" || was === "cancelled";
}
