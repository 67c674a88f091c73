const HOUR_MS = 3_600_000;

/** Meta's customer service window: 24 h, never a setting. */
export const serviceWindowMs = 24 * HOUR_MS;

export type ServiceWindow =
  | { isOpen: true; closesAt: Date }
  | { isOpen: false; reason: "never-opened" }
  | { isOpen: false; reason: "expired"; closedAt: Date };

/**
 * Whether a free-form message may be sent (I7). `lastLiveInboundAt` is Meta's timestamp of the customer's last live
 * message, never later than its receipt; `now` is the server's clock. At the very instant of closing it is closed.
 */
export function serviceWindow(lastLiveInboundAt: Date | undefined, now: Date): ServiceWindow {
  if (lastLiveInboundAt === undefined) return { isOpen: false, reason: "never-opened" };
  const end = new Date(lastLiveInboundAt.getTime() + serviceWindowMs);
  return now < end ? { isOpen: true, closesAt: end } : { isOpen: false, reason: "expired", closedAt: end };
}
