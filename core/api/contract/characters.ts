import { z } from "zod";

/** Text that a person wrote: what no database and no JSON can carry (NUL, half a surrogate pair) becomes U+FFFD, visibly. */
export const Text = z.string().overwrite((text) => text.toWellFormed().replaceAll("\0", "\uFFFD"));

/** Text that something is found by: replacing a character would find something else, so it is refused. */
export const Exact = z
  .string()
  .refine((text) => text.isWellFormed() && !text.includes("\0"), "It holds a character that is none: type it anew.");
