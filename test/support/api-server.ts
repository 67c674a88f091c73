import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import express from "express";
import { onTestFinished } from "vitest";
import { mountApi } from "#core/api/mount.ts";
import { systemClock } from "#core/kit/clock.ts";
import { makeLog } from "#core/kit/log.ts";
import { enterConsole, makeEntryLink } from "#core/usecases/console-sessions/console-sessions.ts";
import type { TestDatabase } from "./database.ts";

export const publicUrl = "https://triveni.example";
export const clientSecret = "hubspot-client-secret";

/** The API on a port of its own, as the app mounts it. */
export async function apiServer({ app }: TestDatabase): Promise<{ url: string; wakes: () => number }> {
  let wakes = 0;
  const web = express();
  mountApi(web, {
    ...{ app, log: makeLog("silent"), clock: systemClock, publicUrl },
    hubspot: { clientSecrets: [clientSecret] },
    wakeSender: () => void wakes++,
  });
  const server = createServer(web);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, wakes: () => wakes };
}

/** A console session of a workspace, as a cookie. */
export async function consoleCookie({ app }: Pick<TestDatabase, "app">, workspaceId: string): Promise<string> {
  const deps = { app, clock: systemClock };
  const link = await makeEntryLink(deps, { workspaceId, agent: "owner", publicUrl });
  const entered = await enterConsole(deps, new URL(link).hash.slice(1));
  return `triveni_session=${entered?.token}`;
}
