import type { Cast } from "./cast.ts";
import type { Effect } from "./effects.ts";

/** One thing the store must hold exactly once: a name, and what must be written there. */
export interface StoreLine {
  key: string;
  value: string;
}

/**
 * What the store must hold after these effects, whatever their order and however often they were told. Written anew
 * from the invariants (I2, I3, I14), without a line of the code under test.
 */
export function expectedLines(effects: readonly Effect[], cast: Cast): Map<string, string> {
  const lines = new Map<string, string>();
  const all = distinct(effects);
  for (const [key, about] of Map.groupBy(all.filter(isAboutMessage), (it) => `${it.number} ${it.wamid}`)) {
    lines.set(`message ${key}`, messageLine(about));
    for (const { status, at, pricing } of about.filter((it) => it.kind === "status"))
      lines.set(`status ${key} ${status}`, JSON.stringify([at, pricing?.type ?? null, pricing?.category ?? null]));
    for (const { editWamid, at, body } of about.filter((it) => it.kind === "edit"))
      lines.set(`edit ${key} ${editWamid}`, JSON.stringify([at, body]));
    // Every word of a reactor is kept; which one is the latest is the reader's to say.
    for (const { reactionWamid, at, emoji, person } of about.filter((it) => it.kind === "reaction"))
      lines.set(`reaction ${key} ${reactionWamid}`, JSON.stringify([at, emoji ?? null, person]));
    const charge = chargeLine(about);
    if (charge) lines.set(`charge ${key}`, charge);
  }
  for (const effect of all) {
    if (effect.kind === "kept") lines.set(`kept ${effect.marker}`, "");
    if (effect.kind === "message" || effect.kind === "edit")
      lines.set(`conversation ${effect.number} ${effect.person}`, "");
    if (effect.kind !== "kept") lines.set(`person ${effect.person}`, phoneOf(cast, effect.person));
  }
  return lines;
}

type AboutMessage = Exclude<Effect, { kind: "kept" }>;
type OfKind<K extends Effect["kind"]> = Extract<Effect, { kind: K }>;

/** failed beats accepted and sent, and loses to delivered and read (I3). */
const statusOrder = ["accepted", "sent", "failed", "delivered", "read", "played"];

/** The names of the lines that an effect has a part in. */
export function keysOf(effect: Effect): string[] {
  if (effect.kind === "kept") return [`kept ${effect.marker}`];
  const { number, wamid, person } = effect;
  const key = `${number} ${wamid}`;
  const keys = [`message ${key}`, `person ${person}`];
  if (effect.kind === "message" || effect.kind === "edit") keys.push(`conversation ${number} ${person}`);
  if (effect.kind === "edit") keys.push(`edit ${key} ${effect.editWamid}`);
  if (effect.kind === "reaction") keys.push(`reaction ${key} ${effect.reactionWamid}`);
  if (effect.kind === "status") keys.push(`status ${key} ${effect.status}`);
  if (effect.kind === "status" && effect.pricing) keys.push(`charge ${key}`);
  return keys;
}

function messageLine(about: readonly AboutMessage[]): string {
  const message = about.find((it): it is OfKind<"message"> => it.kind === "message");
  const edits = about.filter((it) => it.kind === "edit");
  const named = message ?? edits[0];
  const rank = Math.max(
    0,
    ...about.filter((it) => it.kind === "status").map((it) => statusOrder.indexOf(it.status) + 1),
  );
  const edited = edits.length === 0 ? null : latest(edits, (it) => it.editWamid).body;
  return JSON.stringify([
    message?.direction ?? (named ? "in" : null),
    message ? "text" : null,
    message?.body ?? null,
    message?.at ?? (edits.length > 0 ? Math.min(...edits.map((it) => it.at)) : null),
    named?.person ?? null,
    rank,
    edited,
  ]);
}

/** The lower of delivered and read carries the price that counts, once. */
function chargeLine(about: readonly AboutMessage[]): string | undefined {
  const charging = about.filter((it): it is OfKind<"status"> => it.kind === "status" && it.pricing !== undefined);
  const first = charging.toSorted(
    (a, b) => statusOrder.indexOf(a.status) - statusOrder.indexOf(b.status) || a.at - b.at,
  )[0];
  return first && JSON.stringify([first.at, first.pricing?.type, first.pricing?.category]);
}

function latest<T extends { at: number }>(told: readonly T[], wamidOf: (one: T) => string): T {
  return told.toSorted((a, b) => a.at - b.at || (wamidOf(a) < wamidOf(b) ? -1 : 1)).at(-1) as T;
}

function distinct(effects: readonly Effect[]): Effect[] {
  return [...new Map(effects.map((effect) => [JSON.stringify(effect), effect])).values()];
}

function isAboutMessage(effect: Effect): effect is AboutMessage {
  return effect.kind !== "kept";
}

function phoneOf(cast: Cast, bsuid: string): string {
  return cast.workspaces.flatMap(({ customers }) => customers).find((it) => it.bsuid === bsuid)?.phone ?? "";
}
