import type { Request, Response } from "express";
import { z } from "zod";
import { Failure } from "#core/kit/failure.ts";
import { markRead } from "#core/usecases/messages/mark-read.ts";
import { queueReply, type ReplyOutcome } from "#core/usecases/messages/queue-reply.ts";
import { parseSeenThrough } from "#core/views/cursors.ts";
import { refusalWords, sendItemId } from "#core/views/timeline-item.ts";
import { isWordKey, type Language, words } from "#core/words/words.ts";
import { ReadRequest, ReplyAnswer, ReplyRequest } from "../contract/replies.ts";
import { callerOf, jsonOf, readAs } from "../identify.ts";
import type { ApiDeps } from "../mount.ts";
import { languageOfRequest, requestIdOf } from "../respond.ts";

const Params = z.object({ id: z.uuid() });
const statusOf = { queued: 202, "answered-since": 409, refused: 422 } as const;

/** POST /v1/conversations/{id}/replies. */
export async function postReply(request: Request, response: Response, deps: ApiDeps): Promise<void> {
  const { workspaceId, agent, install } = callerOf(response);
  const { idempotencyKey, text, seenThrough, replyTo } = readAs(ReplyRequest, jsonOf(request));
  const outcome = await queueReply(deps, {
    workspaceId,
    conversationId: readAs(Params, request.params).id,
    ...(install && { withinInstall: install.installId }),
    agent,
    idempotencyKey,
    text,
    seen: parseSeenThrough(seenThrough),
    ...(replyTo !== undefined && { quotedMessageId: messageIdOf(replyTo) }),
    requestId: requestIdOf(response),
  });
  if (outcome.outcome === "queued") deps.wakeSender();
  const answer = ReplyAnswer.parse(answerOf(outcome, languageOfRequest(request)));
  response.status(statusOf[answer.outcome]).json(answer);
}

/** POST /v1/conversations/{id}/read. */
export async function postRead(request: Request, response: Response, deps: ApiDeps): Promise<void> {
  const { workspaceId, agent, install } = callerOf(response);
  const { through } = readAs(ReadRequest, jsonOf(request));
  await markRead(deps, {
    workspaceId,
    conversationId: readAs(Params, request.params).id,
    ...(install && { withinInstall: install.installId }),
    agent,
    through: new Date(through),
    requestId: requestIdOf(response),
  });
  response.status(204).end();
}

function answerOf(outcome: ReplyOutcome, language: Language): ReplyAnswer {
  if (outcome.outcome === "queued") return { outcome: "queued", itemId: sendItemId(outcome.sendId) };
  if (outcome.outcome === "refused") return { outcome: "refused", refusal: refusalWords(language, outcome.reason) };
  return {
    outcome: "answered-since",
    refusal: refusalWords(language, "answered_since"),
    answers: outcome.answers.map(({ origin, at }) => ({ by: authorWords(language, origin), at: at.toISOString() })),
  };
}

function authorWords(language: Language, origin: string): string {
  const key = `author.${origin}`;
  return isWordKey(key) ? words(language, key) : origin;
}

function messageIdOf(itemId: string): string {
  const id = /^m(\d{1,18})$/.exec(itemId)?.[1];
  if (id !== undefined) return id;
  throw new Failure("invalid", "reply.quoted_unknown", "Only a message that was sent or received can be quoted.");
}
