import path from "node:path";
import express, { type Request, type Response, Router } from "express";
import { enterConsole } from "#core/usecases/console-sessions/console-sessions.ts";
import { en } from "#core/words/en.ts";
import { isWordKey, type Language, type WordKey, words } from "#core/words/words.ts";
import { consoleCaller, csrfOf, sessionCookie, sessionTokenOf } from "../callers/console.ts";
import type { SessionAnswer } from "../contract/replies.ts";
import type { ApiDeps } from "../mount.ts";
import { languageOfRequest } from "../respond.ts";
import { entryPage } from "./entry-page.ts";

const FILES = path.join(import.meta.dirname, "../../console");

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
    const token = typeof request.query["token"] === "string" ? request.query["token"] : "";
    // A form, not a visit, uses the link up: chat programs visit every link to show a preview.
    response.type("html").send(entryPage(languageOfRequest(request), { token }));
  });
  router.post("/enter", express.urlencoded({ extended: false, limit: "4kb" }), (request, response) =>
    enter(request, response, deps),
  );
  router.get("/session", (request, response) => session(request, response, deps));
  router.get("/words", (request, response) => {
    response.json(wordsOfPages(languageOfRequest(request)));
  });
  router.get("/record/:crm/:type/:recordId", (_request, response) => {
    response.sendFile(path.join(FILES, "record.html"), { cacheControl: false });
  });
  router.use("/files", express.static(FILES, { index: false, extensions: false, cacheControl: false }));
  return router;
}

async function enter(request: Request, response: Response, deps: ApiDeps): Promise<void> {
  const token: unknown = request.body?.token;
  const entered = typeof token === "string" ? await enterConsole(deps, token) : undefined;
  if (entered === undefined) {
    response
      .status(403)
      .type("html")
      .send(entryPage(languageOfRequest(request), { refused: true }));
    return;
  }
  response.cookie(sessionCookie, entered.token, {
    httpOnly: true,
    sameSite: "lax",
    secure: deps.publicUrl.startsWith("https:"),
    path: "/",
    maxAge: entered.maxAgeMs,
  });
  response.type("html").send(entryPage(languageOfRequest(request), { entered: true }));
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
