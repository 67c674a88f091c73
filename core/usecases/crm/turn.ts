import { v7 as newId } from "uuid";
import type { CrmConnector } from "#core/crm/connector.ts";
import type { ConnectorContext } from "#core/crm/context.ts";
import { renewWrites, type WriteLease } from "#core/store/crm-writes.ts";
import { type Install, selectInstall } from "#core/store/installs.ts";
import { acquireLeases, releaseLeases, renewLeases } from "#core/store/leases.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { connectorContext } from "./connector-context.ts";
import type { CrmWorker } from "./crm-worker.ts";
import { keepLeases } from "./lease-keeper.ts";

/** One process at work on one install. Everything it holds carries `holder`, and is kept as long as the turn lives. */
export interface Turn {
  worker: CrmWorker;
  install: Install;
  connector: CrmConnector;
  context: ConnectorContext;
  holder: string;
  lease: WriteLease;
  /** Keeps further names alive, until `letGo`. */
  hold(names: readonly string[]): void;
  letGo(names: readonly string[]): void;
}

/** Runs `work` unless another process is at this install, it was uninstalled, or its CRM is not connected here. */
export async function takeTurn(
  worker: CrmWorker,
  { workspaceId, installId }: { workspaceId: string; installId: string },
  work: (turn: Turn) => Promise<number>,
): Promise<number> {
  const { pool, times, log } = worker;
  const install = await asWorkspaces(pool, [workspaceId], (tx) => selectInstall(tx, workspaceId, installId));
  const connector = install && worker.connectors.get(install.crm);
  if (install === undefined || connector === undefined) return 0;

  const holder = newId();
  const own = `crm:${installId}`;
  if ((await acquireLeases(pool, [own], holder, times.leaseMs)).length === 0) return 0;
  const lease = { workspaceId, installId, holder, leaseMs: times.leaseMs };
  const names = new Set([own]);
  const keeper = keepLeases(worker, times.leaseMs, async () => {
    const wanted = [...names];
    const held = new Set(await renewLeases(pool, wanted, holder, times.leaseMs));
    await asWorkspaces(pool, [workspaceId], (tx) => renewWrites(tx, lease));
    // A name that was let go meanwhile is not lost.
    return wanted.every((name) => held.has(name) || !names.has(name));
  });
  const context = connectorContext(worker, install, holder, keeper.isHeld);
  try {
    return await work({
      worker,
      install,
      connector,
      context,
      holder,
      lease,
      hold: (more) => more.forEach((name) => void names.add(name)),
      letGo: (fewer) => fewer.forEach((name) => void names.delete(name)),
    });
  } finally {
    await keeper.stop();
    await releaseLeases(pool, [own], holder).catch((err) =>
      log.warn({ err, installId }, "a lease could not be released"),
    );
  }
}
