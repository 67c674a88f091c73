import { z } from "zod";
import { Failure } from "#core/kit/failure.ts";
import type { Position } from "#core/store/timeline.ts";

/** Cursors are opaque to screens: text that they hand back as it is. What does not parse is refused, never guessed. */

const LAST_BIGINT = 9223372036854775807n;
const BIGINT = z.string().refine((digits) => /^\d{1,19}$/.test(digits) && BigInt(digits) <= LAST_BIGINT);
/** Microseconds since 1970; phones have been seen to say earlier ones. */
const At = z
  .string()
  .regex(/^-?\d{1,19}$/)
  .refine((at) => !/^-?\d{1,19}$/.test(at) || BigInt(at) <= LAST_BIGINT);
const Before = z.tuple([z.enum(["m", "s"]), At, z.union([BIGINT, z.uuid()])]);

export function beforeCursor({ at, kind, id }: Position): string {
  return `${kind === "message" ? "m" : "s"}.${at}.${id}`;
}

export function parseBefore(cursor: string): Position {
  const parsed = Before.safeParse(cursor.split("."));
  if (!parsed.success) throw unreadable("before");
  const [kind, at, id] = parsed.data;
  if ((kind === "m") !== /^\d+$/.test(id)) throw unreadable("before");
  return { at, kind: kind === "m" ? "message" : "send", id };
}

/** A version per conversation: what a reader was given is complete up to it (I15). */
export function sinceCursor(versions: ReadonlyMap<string, string>): string {
  return [...versions].map(([id, version]) => `${id}:${version}`).join(",");
}

export function parseSince(cursor: string): Map<string, string> {
  const pairs = cursor === "" ? [] : cursor.split(",").map((pair) => pair.split(":"));
  const parsed = z
    .array(z.tuple([z.uuid(), BIGINT]))
    .max(200)
    .safeParse(pairs);
  if (!parsed.success) throw unreadable("since");
  return new Map(parsed.data);
}

/** What an agent had on the screen of one conversation. */
export interface Seen {
  version: string;
  messageId: string;
}

export function seenThrough({ version, messageId }: Seen): string {
  return `v${version}.${messageId}`;
}

export function parseSeenThrough(text: string): Seen {
  const parsed = z.tuple([BIGINT, BIGINT]).safeParse(text.replace(/^v/, "").split("."));
  if (!parsed.success) throw unreadable("seenThrough");
  return { version: parsed.data[0], messageId: parsed.data[1] };
}

function unreadable(name: string): Failure {
  const message = `"${name}" is not a value that this server gave out. Leave it out to begin anew.`;
  return new Failure("invalid", "request.cursor", message);
}
