import { setTimeout as sleep } from "node:timers/promises";
import type { Orders } from "./behaviour.ts";
import { statusValue } from "./payloads.ts";
import type { WebhookSender } from "./webhooks.ts";
import type { SimulatedNumber, World } from "./world.ts";

interface Taken {
  wamid: string;
  recipient: string;
  hasWindow: boolean;
  opaque: string | undefined;
}

interface Deps {
  world: World;
  orders: Orders;
  webhooks: WebhookSender;
  gapMs: number;
  /** 0 to 1, for jitter. */
  random: () => number;
}

const windowClosed = {
  code: 131047,
  title: "Re-engagement message",
  message: "Re-engagement message",
  error_data: {
    details:
      "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
  },
};

/** Tells the app what becomes of each message it sent: later, and as disorderly as it was told to. */
export class StatusReports {
  readonly #deps: Deps;
  readonly #held: (() => void)[] = [];
  readonly #stopping = new AbortController();

  constructor(deps: Deps) {
    this.#deps = deps;
  }

  start(number: SimulatedNumber, taken: Taken): void {
    void this.#report(number, taken);
  }

  /** Sends what was held back. */
  release(): void {
    for (const post of this.#held.splice(0)) post();
  }

  stop(): void {
    this.#stopping.abort();
  }

  async #report(number: SimulatedNumber, taken: Taken): Promise<void> {
    const { orders, gapMs, random } = this.#deps;
    const names = taken.hasWindow ? (orders.now.statuses ?? []) : ["failed"];
    const startedMs = Date.now();
    const posts = names.map(
      (status, index) => () => this.#post(number, taken, status, startedMs + (index + 1) * gapMs),
    );
    if (orders.now.reverseStatuses) posts.reverse();
    for (const post of posts) {
      await sleep(gapMs * (0.5 + random()), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#stopping.signal.aborted) return;
      for (let copy = 0; copy < (orders.now.statusCopies ?? 1); copy++) {
        if (orders.now.holdStatuses) this.#held.push(post);
        else post();
      }
    }
  }

  #post(number: SimulatedNumber, { wamid, recipient, opaque }: Taken, status: string, atMs: number): void {
    const { world, webhooks } = this.#deps;
    const known = number.customers.get(recipient);
    const to = known ?? (recipient.includes(".") ? { bsuid: recipient } : { phone: recipient });
    // The price comes with "sent" and with one of delivered and read.
    const hasPricing = status === "sent" || status === "delivered";
    const pricing = hasPricing ? world.pricing(number) : undefined;
    if (status === "delivered") number.deliveredThisMonth++;
    const errors = status === "failed" ? [windowClosed] : undefined;
    const shape = { wamid, status, atMs, to, opaque, ...(pricing && { pricing }), ...(errors && { errors }) };
    webhooks.post(number.wabaId, statusValue(number, shape));
  }
}
