// A sender in a process of its own, to be killed: `node test/support/sender-process.ts '{"connection":…,"graphUrl":…,"key":…}'`.
import { systemClock } from "#core/kit/clock.ts";
import { makeLog } from "#core/kit/log.ts";
import { sealer, secretKey } from "#core/kit/seal.ts";
import { openPool } from "#core/store/pool.ts";
import { WORKER_ROLE } from "#core/store/roles.ts";
import { startSender } from "#core/usecases/messages/deliver-sends.ts";

const { connection, graphUrl, key } = JSON.parse(process.argv[2] ?? "{}");
const log = makeLog("silent");
startSender({
  worker: openPool(connection, { name: "worker", role: WORKER_ROLE, max: 3, log }),
  graph: { baseUrl: graphUrl, version: "v25.0" },
  sealer: sealer([secretKey(key)]),
  clock: systemClock,
  log,
  settleMs: 60_000,
});
