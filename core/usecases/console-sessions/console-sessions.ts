import { createHash, randomBytes } from "node:crypto";
import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import { insertAuditEntry } from "#core/store/audit.ts";
import {
  type ConsoleVisitor,
  endConsoleSession,
  insertConsoleEntry,
  insertConsoleSession,
  selectConsoleSession,
  useConsoleEntry,
} from "#core/store/console-sessions.ts";
import { asWorkspace } from "#core/store/transaction.ts";

const ENTRY_MS = 15 * 60_000;
const SESSION_MS = 12 * 3_600_000;
const TOKEN_BYTES = 32;

interface Deps {
  app: pg.Pool;
  clock: Clock;
}

/** A link that lets its first visitor in, within 15 minutes; its token stands where browsers keep it to themselves. It is a secret: print it to the operator, never to a log. */
export async function makeEntryLink(
  { app, clock }: Deps,
  { publicUrl, ...visitor }: ConsoleVisitor & { publicUrl: string },
): Promise<string> {
  const token = newToken();
  const at = clock.now();
  await asWorkspace(app, visitor.workspaceId, async (tx) => {
    await insertConsoleEntry(tx, visitor, hashOf(token), new Date(at.getTime() + ENTRY_MS));
    const subject = `console:${visitor.agent}`;
    await insertAuditEntry(tx, visitor.workspaceId, { actor: "operator", action: "console.link_made", subject, at });
  });
  return `${publicUrl}/console/enter#${token}`;
}

/** Exchanges a link's token for a session token; undefined when the link was used before, is too old, or was never made. */
export async function enterConsole(
  { app, clock }: Deps,
  entryToken: string,
): Promise<{ token: string; maxAgeMs: number } | undefined> {
  const at = clock.now();
  const visitor = await useConsoleEntry(app, hashOf(entryToken), at);
  if (visitor === undefined) return undefined;
  const token = newToken();
  await asWorkspace(app, visitor.workspaceId, async (tx) => {
    const times = { startedAt: at, expiresAt: new Date(at.getTime() + SESSION_MS) };
    await insertConsoleSession(tx, visitor, hashOf(token), times);
    const subject = `console:${visitor.agent}`;
    await insertAuditEntry(tx, visitor.workspaceId, { actor: subject, action: "console.entered", subject, at });
  });
  return { token, maxAgeMs: SESSION_MS };
}

/** Ends a session; whoever has its cookie is nobody from now on. */
export async function leaveConsole({ app, clock }: Deps, token: string): Promise<void> {
  const at = clock.now();
  const visitor = await selectConsoleSession(app, hashOf(token), at);
  if (visitor === undefined) return;
  await asWorkspace(app, visitor.workspaceId, async (tx) => {
    await endConsoleSession(tx, visitor.workspaceId, hashOf(token), at);
    const subject = `console:${visitor.agent}`;
    await insertAuditEntry(tx, visitor.workspaceId, { actor: subject, action: "console.left", subject, at });
  });
}

export function consoleSessionOf({ app, clock }: Deps, token: string): Promise<ConsoleVisitor | undefined> {
  return selectConsoleSession(app, hashOf(token), clock.now());
}

function newToken(): string {
  return randomBytes(TOKEN_BYTES).toString("base64url");
}

/** Tokens are random, so a plain hash is enough: there is nothing to guess. */
function hashOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
