import { createHmac } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

export interface WebhookTarget {
  /** Where the app told Meta to post; undefined until it did. */
  url: string | undefined;
  appSecret: string;
}

export interface PostedWebhook {
  /** Of the first try. */
  at: number;
  tries: number;
  status: number | undefined;
}

const FIRST_RETRY_MS = 200;
const RETRY_MS_MAX = 5_000;
const TRIES_MAX = 40;
const TIMEOUT_MS = 10_000;

/** Posts webhooks as Meta does: signed over the bytes, again and again until the answer is 200, in no promised order. */
export class WebhookSender {
  readonly target: WebhookTarget;
  readonly posted: PostedWebhook[] = [];
  readonly #underWay = new Set<Promise<void>>();
  readonly #stopping = new AbortController();

  readonly #delayMs: () => number;

  /** `delayMs`: how long a webhook is on its way the first time. */
  constructor(target: WebhookTarget, delayMs: () => number) {
    this.target = target;
    this.#delayMs = delayMs;
  }

  post(wabaId: string, value: Record<string, unknown>, field = "messages"): void {
    const bytes = bytesOf({
      object: "whatsapp_business_account",
      entry: [{ id: wabaId, changes: [{ value, field }] }],
    });
    const done = this.#deliver(bytes).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#underWay);
  }

  async #deliver(bytes: Buffer): Promise<void> {
    const record: PostedWebhook = { at: Date.now(), tries: 0, status: undefined };
    this.posted.push(record);
    await sleep(this.#delayMs(), undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    record.at = Date.now();
    while (record.tries < TRIES_MAX && !this.#stopping.signal.aborted) {
      record.tries++;
      record.status = await this.#try(bytes);
      if (record.status === 200) return;
      const waitMs = Math.min(RETRY_MS_MAX, FIRST_RETRY_MS * 2 ** (record.tries - 1));
      await sleep(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    }
  }

  async #try(bytes: Buffer): Promise<number | undefined> {
    const { url, appSecret } = this.target;
    if (url === undefined) return undefined;
    const signature = `sha256=${createHmac("sha256", appSecret).update(bytes).digest("hex")}`;
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", "x-hub-signature-256": signature },
        body: new Uint8Array(bytes),
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await response.arrayBuffer();
      return response.status;
    } catch {
      // The server is away: that is what the next try is for.
      return undefined;
    }
  }
}

/** Meta escapes everything beyond ASCII in the bytes it signs. */
function bytesOf(payload: unknown): Buffer {
  const ascii = JSON.stringify(payload).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return Buffer.from(ascii, "latin1");
}
