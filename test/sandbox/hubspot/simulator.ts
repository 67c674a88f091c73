import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "#core/http-server.ts";
import { type Answer, errorOf } from "./answers.ts";
import { createCommunications, readAssociations, readCommunications } from "./communications.ts";
import { createContact, readContacts, readProperty, searchContacts, updateContact } from "./contacts.ts";
import { limit, limitHeaders } from "./limits.ts";
import { type Misbehaviour, Misbehaviours } from "./misbehaviour.ts";
import { introspect, portalOf, type SimulatedApp, token } from "./oauth.ts";
import { makePortal, type Portal, type PortalOptions } from "./portal.ts";

export interface SimulatorOptions {
  port?: number;
  app?: SimulatedApp;
  /** How long the search does not show a new contact. */
  searchDelayMs?: number;
  /** Of the answer: half are faster than p50, one in a hundred reaches p99. A call counts when it arrives. */
  latency?: { p50Ms: number; p99Ms: number };
}

export interface SimulatedCall {
  at: number;
  hubId?: number;
  method: string;
  path: string;
  /** Absent while it hangs, and when the connection was cut. */
  status?: number;
}

export interface HubspotSimulator {
  url: string;
  app: SimulatedApp;
  calls: SimulatedCall[];
  portals: Map<number, Portal>;
  addPortal(options: PortalOptions): Portal;
  /** `cancel` takes back what was not used yet. */
  next(misbehaviour: Misbehaviour): { cancel(): void };
  close(): Promise<void>;
}

const HOSTILE = { p50Ms: 150, p99Ms: 1_000 };
const APP = { clientId: "sandbox-client", clientSecret: "sandbox-secret" };
const BODY_MAX = 2_000_000;

/** HubSpot as far as we use it, over HTTP. Slow and jittery by default, its search lags, and it de-duplicates nothing. */
export async function startHubspotSimulator(options: SimulatorOptions = {}): Promise<HubspotSimulator> {
  const { app = APP, searchDelayMs = 2_000, latency = HOSTILE } = options;
  const portals = new Map<number, Portal>();
  const misbehaviours = new Misbehaviours();
  const calls: SimulatedCall[] = [];

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call: SimulatedCall = {
      at: performance.now(),
      method: request.method ?? "GET",
      path: new URL(request.url ?? "/", "http://x").pathname,
    };
    const text = await bodyOf(request);
    if (call.path.startsWith("/_sim/")) return send(response, control(call, text));
    calls.push(call);
    const odd = misbehaviours.forCall(call.path);
    if (odd?.does === "reset") return void request.socket.destroy();
    if (odd?.does === "hang") return;
    const answer: Answer = odd?.status ? refusal(odd, odd.status) : work(call, request, text);
    await sleep(delayOf(latency));
    if (odd?.does === "work-then-hang") return;
    if (odd?.does === "work-then-reset") return void request.socket.destroy();
    const said = odd?.does === "work-then-500" ? errorOf(500, "INTERNAL_ERROR", "internal error") : answer;
    call.status = said.status;
    send(response, said);
  }

  function work(call: SimulatedCall, request: IncomingMessage, text: string): Answer {
    if (call.path === "/oauth/2026-09/token") return token(app, portals.values(), new URLSearchParams(text));
    if (call.path === "/oauth/2026-09/token/introspect") return introspect(portals.values(), new URLSearchParams(text));
    const portal = portalOf(portals.values(), request.headers.authorization);
    if ("status" in portal) return portal;
    call.hubId = portal.hubId;
    const isSearch = call.path.endsWith("/search");
    const answer =
      limit(portal, isSearch, call.at) ?? route(portal, call, JSON.parse(text || "{}") as never, searchDelayMs);
    return { ...answer, headers: { ...answer.headers, ...(!isSearch && limitHeaders(portal)) } };
  }

  function control({ method, path }: SimulatedCall, text: string): Answer {
    const body = text ? JSON.parse(text) : {};
    if (method === "POST" && path === "/_sim/next") misbehaviours.order(body);
    else if (method === "POST" && path === "/_sim/portals") return { status: 201, body: stateOf(addPortal(body)) };
    else if (method === "GET" && path === "/_sim/state")
      return { status: 200, body: { portals: [...portals.values()].map(stateOf), calls } };
    else return { status: 404 };
    return { status: 204 };
  }

  function addPortal(portal: PortalOptions): Portal {
    const made = makePortal(portal);
    portals.set(made.hubId, made);
    return made;
  }

  const server = createServer((request, response) => {
    serve(request, response).catch((error) => send(response, { status: 500, body: { message: String(error) } }));
  });
  await listen(server, options.port ?? 0, "127.0.0.1");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    app,
    calls,
    portals,
    addPortal,
    next: (misbehaviour) => misbehaviours.order(misbehaviour),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function route(portal: Portal, { method, path }: SimulatedCall, body: never, searchDelayMs: number): Answer {
  const objects = "/crm/objects/2026-09";
  const update = new RegExp(`^${objects}/contacts/(\\d+)$`).exec(path);
  const property = /^\/crm\/properties\/2026-09\/contacts\/(\w+)$/.exec(path);
  if (method === "GET" && property) return readProperty(portal, property[1] as string);
  if (method === "PATCH" && update) return updateContact(portal, update[1] as string, body);
  switch (`${method} ${path}`) {
    case `POST ${objects}/contacts`:
      return createContact(portal, body, searchDelayMs);
    case `POST ${objects}/contacts/search`:
      return searchContacts(portal, body);
    case `POST ${objects}/contacts/batch/read`:
      return readContacts(portal, body);
    case `POST ${objects}/communications/batch/create`:
      return createCommunications(portal, body);
    case `POST ${objects}/communications/batch/read`:
      return readCommunications(portal, body);
    case "POST /crm/associations/2026-09/contacts/communications/batch/read":
      return readAssociations(portal, body);
    default:
      return errorOf(404, "OBJECT_NOT_FOUND", `The simulator does not know ${method} ${path}.`);
  }
}

function refusal({ policyName, headers }: Misbehaviour, status: number): Answer {
  const category = status === 429 ? "RATE_LIMITS" : "INTERNAL_ERROR";
  const answer = errorOf(status, category, "ordered by the test", {
    ...(policyName && { policyName, errorType: "RATE_LIMIT" }),
  });
  return { ...answer, ...(headers && { headers }) };
}

/** Log-normal through both points: a hump below the median and a long tail. */
function delayOf({ p50Ms, p99Ms }: { p50Ms: number; p99Ms: number }): number {
  if (p99Ms <= 0) return 0;
  const normal = Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  return Math.min(3 * p99Ms, p50Ms * Math.exp((Math.log(p99Ms / p50Ms) / 2.326) * normal));
}

function stateOf({ hubId, refreshToken, contacts, communications }: Portal) {
  return { hubId, refreshToken, contacts, communications };
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, {
    ...(body !== undefined && { "content-type": "application/json;charset=utf-8" }),
    ...headers,
  });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > BODY_MAX) throw new Error("The body is too large for the simulator.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
