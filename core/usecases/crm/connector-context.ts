import { setTimeout as sleep } from "node:timers/promises";
import type { Buckets, ConnectorContext } from "#core/crm/context.ts";
import { Failure } from "#core/kit/failure.ts";
import { pauseBucket, takeTokens } from "#core/store/buckets.ts";
import type { Install } from "#core/store/installs.ts";
import type { CrmWorker } from "./crm-worker.ts";
import { tokenStore } from "./token-store.ts";

/**
 * What a connector may ask of us for one install during one turn of work. `isHeld` is asked right before each call leaves:
 * a turn that lost its lease (a long pause of the process) sends nothing any more.
 */
export function connectorContext(
  worker: CrmWorker,
  install: Install,
  holder: string,
  isHeld: () => boolean,
): ConnectorContext {
  const { workspaceId, installId, crmAccountId } = install;
  return {
    workspaceId,
    installId,
    crmAccountId,
    log: worker.log.child({ workspaceId, installId, crm: install.crm }),
    clock: worker.clock,
    tokens: tokenStore(worker, install, holder),
    bucket: buckets(worker, installId, isHeld),
  };
}

function buckets({ pool, times, stopping }: CrmWorker, installId: string, isHeld: () => boolean): Buckets {
  const named = (name: string) => `crm:${installId}:${name}`;
  return {
    async take(shape, count = 1) {
      if (stopping.aborted) throw stopped(installId);
      const waitMs = await takeTokens(pool, { ...shape, name: named(shape.name) }, count, times.paceMsMax);
      if (waitMs === undefined) throw paced(installId, shape.name, times.paceMsMax);
      // The tokens of a wait that is cut short are lost to the others for a moment, and to nobody else.
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: stopping }).catch(() => undefined);
      if (stopping.aborted) throw stopped(installId);
      if (!isHeld()) throw leaseLost(installId);
    },
    pause: (shape, ms) => pauseBucket(pool, { ...shape, name: named(shape.name) }, ms),
  };
}

function paced(installId: string, name: string, waitMs: number): Failure {
  const message = `The CRM limit "${name}" of install ${installId} is used up for more than ${waitMs / 1000} s: its writes wait.`;
  return new Failure("throttled", "crm.paced", message, {
    next: { retry: "after", afterMs: waitMs / 2, scope: "install" },
  });
}

function stopped(installId: string): Failure {
  const message = `This process is stopping: another one continues with install ${installId}.`;
  return new Failure("unavailable", "crm.stopping", message, {
    next: { retry: "after", afterMs: 0, scope: "install" },
  });
}

function leaseLost(installId: string): Failure {
  const message = `This process was held up and lost its turn on install ${installId}: another one continues.`;
  return new Failure("conflict", "crm.lease_lost", message, { next: { retry: "later", scope: "install" } });
}
