import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "#core/http-server.ts";
import { type Behaviour, Orders } from "./behaviour.ts";
import { hostile, type Latency, latencySampler, seededRandom } from "./latency.ts";
import { refused, sendMessage } from "./messages-edge.ts";
import { inboundValue } from "./payloads.ts";
import { StatusReports } from "./status-reports.ts";
import { WebhookSender } from "./webhooks.ts";
import { type Customer, type NumberOptions, newWamid, type SentCall, World } from "./world.ts";

export interface MetaOptions {
  port?: number;
  appSecret: string;
  latency?: Latency;
  /** Between the statuses of one message, give or take a half. */
  statusGapMs?: number;
  seed?: number;
}

export interface Inbound {
  phoneNumberId: string;
  from: Customer;
  /** A text, or any type object: `{ type: "image", image: { … } }`. */
  text?: string;
  message?: Record<string, unknown>;
  /** For a message that was written earlier, in milliseconds. */
  atMs?: number;
  wamid?: string;
}

export interface MetaSimulator {
  url: string;
  world: World;
  webhooks: WebhookSender;
  addNumber(options: NumberOptions): void;
  /** Where webhooks go, as the app would have set it in the dashboard. */
  subscribe(url: string): void;
  inbound(message: Inbound): string;
  behave(behaviour: Behaviour): void;
  close(): Promise<void>;
}

const BODY_MAX = 1_000_000;

/**
 * Meta as far as we use it, over HTTP: Graph's messages edge, signed webhooks, and `/_sim/*` to play the customer and to
 * misbehave. Slow and jittery by default; a call counts when it arrives, latency delays only its answer and the webhooks.
 */
export async function startMetaSimulator(options: MetaOptions): Promise<MetaSimulator> {
  const world = new World();
  const orders = new Orders();
  const { latency = hostile, seed = 7 } = options;
  // A stream of chance for each: one more webhook changes no answer's latency.
  const delayMs = latencySampler(latency, seededRandom(seed));
  const webhookDelayMs = latencySampler(latency, seededRandom(seed + 1));
  const webhooks = new WebhookSender({ url: undefined, appSecret: options.appSecret }, webhookDelayMs);
  const gap = { gapMs: options.statusGapMs ?? 120, random: seededRandom(seed + 2) };
  const reports = new StatusReports({ world, orders, webhooks, ...gap });

  async function graph(request: IncomingMessage, response: ServerResponse, phoneNumberId: string): Promise<void> {
    const call: SentCall = { at: Date.now(), phoneNumberId, body: JSON.parse((await textOf(request)) || "{}") };
    world.calls.push(call);
    if (orders.take("cutBeforeWork")) return void request.socket.destroy();
    const number = world.numbers.get(phoneNumberId);
    const token = request.headers.authorization?.replace(/^Bearer /, "");
    const answer = sendMessage(world, orders, number, call, token);
    if (answer.taken && number) {
      call.wamid = answer.taken.wamid;
      reports.start(number, answer.taken);
    }
    await sleep(delayMs());
    if (orders.take("dropAnswerAfterWork")) return void request.socket.destroy();
    if (orders.take("answer500AfterWork")) {
      call.status = 500;
      return send(response, 500, "upstream connect error");
    }
    const told = orders.take("answer131000AfterWork") ? refused(131000, "Something went wrong", 500) : answer;
    const error = told.body["error"] as { code: number } | undefined;
    call.status = told.status;
    if (error) call.code = error.code;
    send(response, call.status, told.body);
  }

  async function control(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const text = await textOf(request);
    const body = text ? JSON.parse(text) : {};
    switch (`${request.method} ${path}`) {
      case "POST /_sim/inbound":
        return send(response, 200, { wamid: inbound(body) });
      case "POST /_sim/behaviour":
        behave(body);
        return send(response, 204);
      case "GET /_sim/state":
        return send(response, 200, { calls: world.calls, webhooks: webhooks.posted, behaviour: orders.now });
      default:
        return send(response, 404, { error: `The simulator does not know ${request.method} ${path}.` });
    }
  }

  function inbound({ phoneNumberId, from, text, message, atMs = Date.now(), wamid = newWamid() }: Inbound): string {
    const number = world.numbers.get(phoneNumberId);
    if (number === undefined) throw new Error(`The simulator has no number ${phoneNumberId}.`);
    world.noteInbound(number, from, atMs);
    const content = message ?? { type: "text", text: { body: text ?? "" } };
    webhooks.post(number.wabaId, inboundValue(number, from, wamid, content, atMs));
    return wamid;
  }

  function behave(behaviour: Behaviour): void {
    orders.change(behaviour);
    if (behaviour.holdStatuses === false) reports.release();
  }

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://x").pathname;
    const phoneNumberId = /^\/v\d+\.\d+\/(\w+)\/messages$/.exec(path)?.[1];
    const work =
      request.method === "POST" && phoneNumberId !== undefined
        ? graph(request, response, phoneNumberId)
        : control(request, response, path);
    work.catch((error: unknown) => send(response, 500, { error: String(error) }));
  });
  await listen(server, options.port ?? 0, "127.0.0.1");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    world,
    webhooks,
    addNumber: (number) => void world.addNumber(number),
    subscribe: (url) => {
      webhooks.target.url = url;
    },
    inbound,
    behave,
    async close() {
      reports.stop();
      await webhooks.stop();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function send(response: ServerResponse, status: number, body?: unknown): void {
  if (response.destroyed) return;
  const isText = typeof body === "string";
  response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json; charset=UTF-8" });
  response.end(body === undefined || isText ? body : JSON.stringify(body));
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_MAX) throw new Error("The body is too large for the simulator.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
