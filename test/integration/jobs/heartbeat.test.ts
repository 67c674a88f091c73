import { expect, test } from "vitest";
import { startJobs } from "#core/jobs/runner.ts";
import { makeLog } from "#core/kit/log.ts";
import { workerFacts } from "#core/store/backlog.ts";
import { inTransaction } from "#core/store/transaction.ts";
import { freshDatabase } from "#test/support/database.ts";

const { owner } = await freshDatabase();
const freshWorkers = async () => (await inTransaction(owner, workerFacts)).fresh;

test("every worker signs a heartbeat as soon as it runs, and takes it back when it stops in order", async () => {
  const jobs = await startJobs(owner, makeLog("silent"), []);
  const whileRunning = await freshWorkers();
  await jobs.stop();

  expect(whileRunning).toBe(2);
  expect(await freshWorkers()).toBe(0);
});
