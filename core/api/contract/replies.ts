import { z } from "zod";
import { Exact, Text } from "./characters.ts";
import { Refusal } from "./timeline.ts";

export const ReplyRequest = z.object({
  /** Made when the draft was begun and kept until the answer came. */
  idempotencyKey: Exact.min(8).max(100),
  text: Text.trim().min(1).max(4096),
  /** `seenThrough` of the conversation as it was shown. */
  seenThrough: z.string().max(100),
  /** Id of the item that is quoted. */
  replyTo: z.string().max(60).optional(),
});
export type ReplyRequest = z.infer<typeof ReplyRequest>;

export const ReplyAnswer = z.discriminatedUnion("outcome", [
  /** 202. The item of this id shows how it goes on. */
  z.object({ outcome: z.literal("queued"), itemId: z.string() }),
  /** 409. Somebody answered meanwhile; nothing was stored, so the same key may be sent with a newer `seenThrough`. */
  z.object({
    outcome: z.literal("answered-since"),
    refusal: Refusal,
    answers: z.array(z.object({ by: z.string(), at: z.iso.datetime() })),
  }),
  /** 422. Nothing was stored. */
  z.object({ outcome: z.literal("refused"), refusal: Refusal }),
]);
export type ReplyAnswer = z.infer<typeof ReplyAnswer>;

export const ReadRequest = z.object({ through: z.iso.datetime() });
export type ReadRequest = z.infer<typeof ReadRequest>;

/** application/problem+json of every failure. */
export const Problem = z.object({
  code: z.string(),
  title: z.string(),
  detail: z.string(),
  action: z.string(),
  requestId: z.string(),
});
export type Problem = z.infer<typeof Problem>;

export const SessionAnswer = z.object({ agent: z.string(), csrf: z.string() });
export type SessionAnswer = z.infer<typeof SessionAnswer>;
