import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Express } from "express";
import { answerHandshake, type MetaWebhookOptions, makeWebhookReceiver } from "./api/routes/meta-webhook.ts";
import { Failure } from "./kit/failure.ts";

const path = "/webhooks/meta";

/**
 * Without `meta` (a process that is only a worker) no webhook is taken. Webhooks go straight to their handler, everything else through express: at 30,000 a second each layer of middleware
 * is measured, and this route needs none (it reads raw bytes and answers without a body).
 */
export function makeHttpServer(app: Express, meta: MetaWebhookOptions | undefined): Server {
  const receive = meta && makeWebhookReceiver(meta);
  return createServer((request, response) => {
    const url = request.url ?? "/";
    if (!meta || !receive || !url.startsWith(path)) return app(request, response);
    const isExact = url.length === path.length || url[path.length] === "?";
    if (isExact && request.method === "POST") return void receive(request, response);
    if (isExact && request.method === "GET")
      return void answerHandshake(new URL(url, "http://localhost"), response, meta.verifyToken);
    return app(request, response);
  });
}

/** Resolves with the address once requests are taken; a taken port is refused in words. */
export function listen(server: Server, port: number, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? portTaken(port, error) : error),
    );
    server.listen(port, host, () => {
      const { port: given } = server.address() as AddressInfo;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${given}`);
    });
  });
}

function portTaken(port: number, cause: Error): Failure {
  const message = `Port ${port} is taken: is Triveni running already? Stop it, or set PORT to another one.`;
  return new Failure("unavailable", "http.port_taken", message, { cause });
}

/** Takes no new requests, finishes those under way, and gives up on them after `limitMs`. */
export async function close(server: Server, limitMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), limitMs);
  await closed;
  clearTimeout(timer);
}
