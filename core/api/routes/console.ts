import path from "node:path";
import express, { type CookieOptions, type Request, type Response, Router } from "express";
import { Failure } from "#core/kit/failure.ts";
import { enterConsole, leaveConsole } from "#core/usecases/console-sessions/console-sessions.ts";
import { en } from "#core/words/en.ts";
import { isWordKey, type Language, type WordKey, words } from "#core/words/words.ts";
import { consoleCaller, csrfOf, isFromOwnPage, sessionCookie, sessionTokenOf } from "../callers/console.ts";
import type { SessionAnswer } from "../contract/replies.ts";
import type { ApiDeps } from "../mount.ts";
import { languageOfRequest } from "../respond.ts";
import { entryPage } from "./entry-page.ts";

const FILES = path.join(import.meta.dirname, "../../console");

/** What of that folder is for browsers. */
const PUBLISHED = /^\/[\w-]+\.(js|css|svg)$/;

const HEADERS = {
  // Nothing but our own files; no inline script or style, so text of a message that slips through as markup does nothing.
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
};

/** The plain pages of first light: static files, and the way in. */
export function consoleRoutes(deps: ApiDeps): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.set(HEADERS);
    next();
  });
  router.get("/enter", (request, response) => {
    // A form, not a visit, uses the link up: chat programs visit every link to show a preview.
    showEntry(request, response, "asked");
  });
  router.post("/enter", express.urlencoded({ extended: false, limit: "4kb" }), (request, response) =>
    enter(request, response, deps),
  );
  router.post("/leave", (request, response) => leave(request, response, deps));
  router.get("/session", (request, response) => session(request, response, deps));
  router.get("/words", (request, response) => {
    response.json(wordsOfPages(languageOfRequest(request)));
  });
  router.get("/record/:crm/:type/:recordId", (_request, response) => {
    response.sendFile(path.join(FILES, "record.html"), { cacheControl: false });
  });
  router.use("/files", (request, _response, next) => next(PUBLISHED.test(request.path) ? undefined : "router"));
  router.use("/files", express.static(FILES, { index: false, extensions: false, cacheControl: false }));
  return router;
}

async function enter(request: Request, response: Response, deps: ApiDeps): Promise<void> {
  const token: unknown = request.body?.token;
  if (!isFromOwnPage(request, deps.publicUrl)) {
    throw new Failure(
      "forbidden",
      "console.origin",
      "Only the page of the link itself may use it. Open the link again.",
    );
  }
  const entered = typeof token === "string" ? await enterConsole(deps, token) : undefined;
  if (entered === undefined) return showEntry(request, response.status(403), "refused");
  response.cookie(sessionCookie, entered.token, { ...cookieOf(deps), maxAge: entered.maxAgeMs });
  showEntry(request, response, "entered");
}

async function leave(request: Request, response: Response, deps: ApiDeps): Promise<void> {
  await consoleCaller(request, deps);
  await leaveConsole(deps, sessionTokenOf(request) ?? "");
  response.clearCookie(sessionCookie, cookieOf(deps)).status(204).end();
}

function cookieOf({ publicUrl }: ApiDeps): CookieOptions {
  return { httpOnly: true, sameSite: "lax", secure: publicUrl.startsWith("https:"), path: "/" };
}

function showEntry(request: Request, response: Response, entry: Parameters<typeof entryPage>[1]): void {
  // Without a referrer browsers would say "null" for the origin of the form.
  response
    .set("referrer-policy", "same-origin")
    .type("html")
    .send(entryPage(languageOfRequest(request), entry));
}

async function session(request: Request, response: Response, deps: ApiDeps): Promise<void> {
  const { agent } = await consoleCaller(request, deps);
  const answer: SessionAnswer = { agent, csrf: csrfOf(sessionTokenOf(request) ?? "") };
  response.json(answer);
}

/** What the static page says, in the reader's language. */
function wordsOfPages(language: Language): Record<string, string> {
  const keys = Object.keys(en).filter(
    (key): key is WordKey => isWordKey(key) && /^(page|window|message|refusal\.window_closed)\./.test(key),
  );
  return { language, ...Object.fromEntries(keys.map((key) => [key, words(language, key)])) };
}
