/**
 * A shown status never goes backwards (I3): accepted < sent < delivered < read < played, and failed beats accepted
 * and sent but loses to delivered and read. One total order says both, so the shown status is a maximum, whatever
 * order the reports arrive in.
 */
const ranks: Readonly<Record<string, number>> = { accepted: 1, sent: 2, failed: 3, delivered: 4, read: 5, played: 6 };
const names = ["", "accepted", "sent", "failed", "delivered", "read", "played"] as const;

export type StatusName = Exclude<(typeof names)[number], "">;

/** 0 for a status Meta invents later: it is stored and does not change what is shown. */
export function statusRank(status: string): number {
  return Object.hasOwn(ranks, status) ? (ranks[status] as number) : 0;
}

export function shownStatus(rank: number): StatusName | undefined {
  return names[rank] || undefined;
}

export const failedRank = 3;

/** History prints statuses in its own words (whatsapp.md 1.6). */
const historyWords: Readonly<Record<string, string>> = {
  PENDING: "accepted",
  SENT: "sent",
  ERROR: "failed",
  DELIVERED: "delivered",
  READ: "read",
  PLAYED: "played",
};

export function statusOfHistory(word: string): string | undefined {
  return Object.hasOwn(historyWords, word) ? historyWords[word] : undefined;
}

/**
 * Meta charges on delivery and prints the price with one of delivered or read; "sent" only announces it. Both may
 * carry it, so the lower of the two is the one that counts (I14).
 */
export function isCharging(status: string): boolean {
  return status === "delivered" || status === "read";
}
