import { createHash } from "node:crypto";
import { Failure } from "#core/kit/failure.ts";

const LENGTH = 12;

/**
 * 48 bits of the message's wamid: the same after a new installation of ours, when our own numbers start again at 1.
 * SQL makes the same one by `left(encode(sha256(convert_to(wamid, 'UTF8')), 'hex'), 12)`.
 */
export function markerOf(wamid: string): string {
  return createHash("sha256").update(wamid).digest("hex").slice(0, LENGTH);
}

/** How a marker stands at the end of a logged message. Throws on one that could not be found again: it would be written twice. */
export function withMarker(text: string, marker: string): string {
  const marked = `${text} [tv:${marker}]`;
  if (markerIn(marked) === marker) return marked;
  const message = `${JSON.stringify(marker)} is no marker: 2 to 40 lower-case letters and digits are needed to find it again.`;
  throw new Failure("invalid", "crm.marker", message);
}

/**
 * The marker that a logged body ends with. Only the end counts: a customer may write `[tv:…]` too, but ours comes after it.
 * Tags that an editor put around the body are looked through.
 */
export function markerIn(body: string): string | undefined {
  return /\[tv:([0-9a-z]{2,40})\](?:\s|&nbsp;|<\/?[a-z][^>]{0,200}>){0,20}$/.exec(body)?.[1];
}
