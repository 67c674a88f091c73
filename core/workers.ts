import type { AppOptions } from "./app.ts";
import { keepDeliveriesJob } from "./jobs/catalog.ts";
import { startJobs, task } from "./jobs/runner.ts";
import { startSchedule } from "./jobs/schedule.ts";
import type { Metrics } from "./kit/metrics.ts";
import { sealer } from "./kit/seal.ts";
import { listenForDeliveries } from "./store/delivery-notices.ts";
import { startCrmWriter } from "./usecases/crm/crm-writer.ts";
import { keepDeliveries } from "./usecases/deliveries/keep-deliveries.ts";
import { startPipeline } from "./usecases/deliveries/pipeline.ts";
import { startSender } from "./usecases/messages/deliver-sends.ts";

export interface Workers {
  wake(work: "deliveries" | "sends"): void;
  stop(): Promise<void>;
}

/** Everything that runs behind the web side: pipeline, sender, CRM writer, rare jobs. Stops in the opposite order. */
export async function startWorkers(options: AppOptions & { metrics: Metrics; name: string }): Promise<Workers> {
  const { config, database, connectors, log, clock, metrics, name } = options;
  const { worker, owner } = database;
  const seal = sealer(config.secretKeys);
  const crm = startCrmWriter({ pool: worker, connectors, sealer: seal, clock, log });
  const graph = { baseUrl: config.meta.graphUrl, version: config.meta.graphVersion };
  const sender = startSender({ worker, graph, sealer: seal, clock, log, settleMs: config.sendSettleMs });
  const pipeline = startPipeline({
    worker,
    clock,
    log,
    metrics,
    name,
    unroutedKeptDays: config.unroutedKeptDays,
    onChanged: () => crm.wake(),
  });
  const notices = await listenForDeliveries(database.connection, log, () => pipeline.wake());
  const keep = () => keepDeliveries({ owner, worker }, { clock, log, keptDays: config.deliveryKeptDays });
  const jobs = await startJobs(owner, log, [task(keepDeliveriesJob, keep)]);
  const schedule = startSchedule(worker, clock, log);

  return {
    wake: (work) => (work === "deliveries" ? pipeline.wake() : sender.wake()),
    async stop() {
      await schedule.stop();
      await jobs.stop();
      await notices.stop();
      await pipeline.stop();
      await Promise.all([sender.stop(), crm.stop()]);
    },
  };
}
