import type { ErrorRequestHandler, Request, Response } from "express";
import { v7 as newId } from "uuid";
import { Failure, httpStatusOf } from "#core/kit/failure.ts";
import { isWordKey, type Language, languageOf, words } from "#core/words/words.ts";
import type { Problem } from "./contract/replies.ts";
import type { ApiDeps } from "./mount.ts";

/** An id for the log, the audit and the person who asks for help. Ours, never the caller's: it goes into the database. */
export function requestIdOf(response: Response): string {
  response.locals["requestId"] ??= newId();
  return response.locals["requestId"];
}

/** The language a screen asks for (`?language=`), else the browser's. */
export function languageOfRequest(request: Request): Language {
  const wanted = request.query["language"];
  return languageOf(typeof wanted === "string" ? wanted : request.get("accept-language"));
}

/** Every failure as problem+json. What is no Failure is a fault of ours: logged whole, told as one sentence. */
export function problems({ log }: Pick<ApiDeps, "log">): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const requestId = requestIdOf(response);
    const failure = failureOf(error);
    if (failure === undefined) log.error({ err: error, requestId, path: request.path }, "request failed");
    const status = failure === undefined ? 500 : httpStatusOf(failure.kind);
    const problem = problemOf(failure, languageOfRequest(request), requestId);
    if (failure?.next?.afterMs !== undefined)
      response.set("retry-after", String(Math.ceil(failure.next.afterMs / 1000)));
    response.status(status).type("application/problem+json").send(JSON.stringify(problem));
  };
}

function problemOf(failure: Failure | undefined, language: Language, requestId: string): Problem {
  const name = failure?.code.split(".").at(-1);
  const own = `problem.${name}.title`;
  const key = isWordKey(own) ? name : (failure?.kind ?? "internal");
  const [title, action] = [`problem.${key}.title`, `problem.${key}.action`];
  return {
    code: failure?.code ?? "internal",
    title: isWordKey(title) ? words(language, title) : title,
    detail: failure?.message ?? "The request could not be worked on.",
    action: isWordKey(action) ? words(language, action) : action,
    requestId,
  };
}

function failureOf(error: unknown): Failure | undefined {
  if (error instanceof Failure) return error;
  // Express and body-parser throw http-errors: a body that is too large, a path that does not decode.
  const status = error instanceof Error && "status" in error ? error.status : undefined;
  if (typeof status !== "number" || status < 400 || status > 499) return undefined;
  return new Failure(
    "invalid",
    "request.invalid",
    error instanceof Error ? error.message : "The request is not valid.",
  );
}
