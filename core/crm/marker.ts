import { createHash } from "node:crypto";

/** Without i, l, o and u, so that it is read aloud without mistakes and spells nothing. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH = 10;

/** 50 bits of the message's wamid: the same after a new installation of ours, when our own numbers start again at 1. */
export function markerOf(wamid: string): string {
  const bytes = createHash("sha256").update(wamid).digest();
  // The lower five bits of each byte: `charAt` of a number below 32 always finds one.
  return Array.from(bytes.subarray(0, LENGTH), (byte) => ALPHABET.charAt(byte & 31)).join("");
}

/** How a marker stands at the end of a logged message. */
export function withMarker(text: string, marker: string): string {
  return `${text} [tv:${marker}]`;
}

/**
 * The marker that a logged body ends with. Only the end counts: a customer may write `[tv:…]` too, but ours comes after it.
 * Tags that an editor put around the body are looked through.
 */
export function markerIn(body: string): string | undefined {
  return /\[tv:([0-9a-hjkmnp-tv-z]{10})\](?:\s|&nbsp;|<\/?[a-z][^>]{0,200}>){0,20}$/i.exec(body)?.[1]?.toLowerCase();
}
