import type { Express } from "express";
import type { Metrics } from "#core/kit/metrics.ts";

export interface Health {
  /** Why this process should get no requests now; undefined when it should. */
  unready(): Promise<string | undefined>;
  metrics: Metrics;
}

/** `/livez` answers while the process turns; `/readyz` asks the database and our stop order; neither asks Meta or a CRM. */
export function mountHealth(app: Express, { unready, metrics }: Health): void {
  app.get("/livez", (_request, response) => void response.type("text").send("alive\n"));
  app.get("/readyz", async (_request, response) => {
    const reason = await unready();
    response
      .status(reason === undefined ? 200 : 503)
      .type("text")
      .send(`${reason ?? "ready"}\n`);
  });
  app.get("/metrics", async (_request, response) => {
    response.type(metrics.registry.contentType).send(await metrics.registry.metrics());
  });
}
