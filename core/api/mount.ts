import { type Express, type Request, type Response, Router } from "express";
import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import { Failure } from "#core/kit/failure.ts";
import type { Log } from "#core/kit/log.ts";
import { identify, rawBody } from "./identify.ts";
import { problems } from "./respond.ts";
import { consoleRoutes } from "./routes/console.ts";
import { postRead, postReply } from "./routes/replies.ts";
import { getTimeline } from "./routes/timeline.ts";

export interface ApiDeps {
  /** The pool of the app role: one workspace per transaction. */
  app: pg.Pool;
  log: Log;
  clock: Clock;
  /** As the CRMs and browsers call us, without a path or closing slash: HubSpot signs it. */
  publicUrl: string;
  /** Client secrets of the HubSpot app, newest first. Absent: HubSpot callers are refused. */
  hubspot?: { clientSecrets: readonly string[] };
  /** A reply was queued: the sender need not wait for its next look. */
  wakeSender(): void;
}

/** Adds /v1 and /console to the app. Nothing before it may have read the bodies: signatures are over raw bytes. */
export function mountApi(app: Express, deps: ApiDeps): void {
  app.use("/v1", v1Routes(deps));
  app.use("/console", consoleRoutes(deps));
  app.use(["/v1", "/console"], problems(deps));
}

type Route = (request: Request, response: Response, deps: ApiDeps) => Promise<void>;

function v1Routes(deps: ApiDeps): Router {
  const router = Router();
  const route = (handler: Route) => (request: Request, response: Response) => handler(request, response, deps);
  router.use(rawBody, async (request, response, next) => {
    response.set({ "cache-control": "no-store", "x-content-type-options": "nosniff" });
    await identify(request, response, deps);
    next();
  });
  router.get("/records/:crm/:type/:recordId/timeline", route(getTimeline));
  router.post("/conversations/:id/replies", route(postReply));
  router.post("/conversations/:id/read", route(postRead));
  router.use(() => {
    throw new Failure("missing", "route.missing", "There is no such address in /v1.");
  });
  return router;
}
