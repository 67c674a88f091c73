import { createHmac } from "node:crypto";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Post } from "./effects.ts";
import type { Random } from "./random.ts";
import type { Story } from "./story.ts";

export const webhookPath = "/webhooks/meta";

/** "broken": the connection ended without an answer. */
export type Outcome = number | "broken";

export interface Moments {
  /** All bytes were handed to the operating system; no answer yet. */
  onWritten?: () => void;
  /** The status of the answer is known. */
  onAnswered?: (status: number) => void;
}

export interface Poster {
  /** Posts `perSecond` deliveries of the story until told to stop. */
  startStream(perSecond: number): void;
  stopStream(): void;
  /** Posts one delivery more, and goes on as Meta would: until it is answered 200. */
  post(post: Post, moments?: Moments): Promise<Outcome>;
  /** Sends everything, hangs up without waiting for the answer, and never comes again. */
  postAndHangUp(post: Post, how: "close" | "reset"): Promise<void>;
  /** Called at the next answer of 200, and forgotten. */
  atNextAcknowledgement(act: () => void): void;
  /** What was answered 200, and how often. */
  acknowledged: Map<string, { post: Post; times: number }>;
  /** How often which answer came. */
  outcomes: Map<string, number>;
  /** Deliveries that were not answered 200 so far. */
  outstanding(): number;
  stop(): Promise<void>;
}

const connectionsMax = 24;
const tickMs = 10;
const answerMs = 8_000;
/** Meta waits longer between its tries; the faults are what is shortened here, not a limit of ours. */
const retryMs = { min: 200, max: 800 };

interface Due {
  post: Post;
  atMs: number;
}

/** Meta's side: signs, posts, and repeats whatever was not answered 200. It keeps the truth of a run. */
export function makePoster(options: { url: () => string; secret: string; story: Story; random: Random }): Poster {
  const { url, secret, story, random } = options;
  const agent = new Agent({ keepAlive: true, maxSockets: connectionsMax });
  const acknowledged: Poster["acknowledged"] = new Map();
  const outcomes = new Map<string, number>();
  const due: Due[] = [];
  const underWay = new Set<Promise<unknown>>();
  const stopping = new AbortController();
  let perSecond = 0;
  let owed = 0;
  let atNext: (() => void) | undefined;

  function headersOf({ bytes }: Post): Record<string, string | number> {
    const signature = createHmac("sha256", secret).update(bytes).digest("hex");
    return {
      "content-type": "application/json",
      "content-length": bytes.length,
      "x-hub-signature-256": `sha256=${signature}`,
    };
  }

  function send(post: Post, { onWritten, onAnswered }: Moments): Promise<Outcome> {
    return new Promise((resolve) => {
      const headers = headersOf(post);
      const sent = request(`${url()}${webhookPath}`, { method: "POST", agent, headers }, (response) => {
        const status = response.statusCode ?? 0;
        onAnswered?.(status);
        response.resume();
        resolve(status);
      });
      sent.setTimeout(answerMs, () => sent.destroy());
      sent.on("error", () => resolve("broken"));
      if (onWritten) sent.on("finish", onWritten);
      sent.end(post.bytes);
    });
  }

  async function attempt(post: Post, moments: Moments = {}): Promise<Outcome> {
    const outcome = await send(post, moments);
    outcomes.set(String(outcome), (outcomes.get(String(outcome)) ?? 0) + 1);
    if (outcome === 200) {
      const act = atNext;
      atNext = undefined;
      act?.();
      acknowledged.set(post.digest, { post, times: (acknowledged.get(post.digest)?.times ?? 0) + 1 });
    } else due.push({ post, atMs: performance.now() + random.between(retryMs.min, retryMs.max) });
    return outcome;
  }

  function follow(post: Post, moments?: Moments): Promise<Outcome> {
    const going = attempt(post, moments).finally(() => underWay.delete(going));
    underWay.add(going);
    return going;
  }

  async function tick(): Promise<void> {
    for (let lastMs = performance.now(); !stopping.signal.aborted; ) {
      await sleep(tickMs, undefined, { signal: stopping.signal }).catch(() => {});
      const nowMs = performance.now();
      owed = Math.min(owed + (perSecond * (nowMs - lastMs)) / 1000, connectionsMax);
      lastMs = nowMs;
      const ready = due.filter(({ atMs }) => atMs <= nowMs);
      for (const one of ready.slice(0, connectionsMax - underWay.size)) {
        due.splice(due.indexOf(one), 1);
        void follow(one.post);
      }
      for (; owed >= 1 && underWay.size < connectionsMax; owed--) void follow(story.next());
    }
  }

  const ticking = tick();
  return {
    acknowledged,
    outcomes,
    startStream: (rate) => {
      perSecond = rate;
    },
    stopStream: () => {
      perSecond = 0;
      owed = 0;
    },
    post: follow,
    async postAndHangUp(post, how) {
      await sendAndHangUp(new URL(url()), Object.entries(headersOf(post)), post.bytes, how);
      acknowledged.set(post.digest, { post, times: acknowledged.get(post.digest)?.times ?? 0 });
    },
    atNextAcknowledgement: (act) => {
      atNext = act;
    },
    outstanding: () => due.length + underWay.size,
    async stop() {
      stopping.abort();
      await ticking;
      agent.destroy();
    },
  };
}

function sendAndHangUp(
  url: URL,
  headers: [string, string | number][],
  bytes: Buffer,
  how: "close" | "reset",
): Promise<void> {
  return new Promise((resolve, reject) => {
    const lines = [
      `POST ${webhookPath} HTTP/1.1`,
      `host: ${url.host}`,
      ...headers.map(([name, value]) => `${name}: ${value}`),
    ];
    const socket = connect(Number(url.port), url.hostname);
    socket.once("error", reject);
    socket.once("close", () => resolve());
    const hangUp = () => (how === "close" ? socket.destroy() : socket.resetAndDestroy());
    socket.write(Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), bytes]), hangUp);
  });
}
