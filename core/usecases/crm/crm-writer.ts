import { type DueInstall, selectInstallsWithWrites } from "#core/store/installs.ts";
import { CRM_TIMES, type CrmTimes, type CrmWorker } from "./crm-worker.ts";
import { logMessages } from "./log-messages.ts";

export interface CrmWriterOptions extends Omit<CrmWorker, "times" | "stopping"> {
  times?: Partial<CrmTimes>;
  /** How often it looks by itself; `wake` makes it look at once. */
  pollMs?: number;
}

export interface CrmWriter {
  /** Something was committed that may be due: look now. */
  wake(): void;
  /** No further call leaves; waits for those under way, no longer than one call may take. What is left is another's. */
  stop(): Promise<void>;
}

const POLL_MS = 1_000;

/** Installs worked on side by side: their calls wait for the network, not for us. */
const ABREAST = 4;

/**
 * Keeps the CRMs up to date until it is stopped; any number of processes may do so. Installs take turns of a few
 * batches, so none starves. An install without a connector here is left to a process that has one.
 */
export function startCrmWriter({ times, pollMs = POLL_MS, ...rest }: CrmWriterOptions): CrmWriter {
  const stopping = new AbortController();
  const worker: CrmWorker = { ...rest, times: { ...CRM_TIMES, ...times }, stopping: stopping.signal };
  let isWoken = false;
  let ring: (() => void) | undefined;

  async function round(): Promise<number> {
    const due = (await selectInstallsWithWrites(worker.pool)).filter(({ crm }) => worker.connectors.has(crm));
    const queue = due.values();
    let taken = 0;
    const work = async () => {
      for (const install of queue) {
        if (stopping.signal.aborted) return;
        taken += await turnOf(install);
      }
    };
    await Promise.all(Array.from({ length: Math.min(ABREAST, due.length) }, work));
    return taken;
  }

  async function turnOf(install: DueInstall): Promise<number> {
    try {
      return await logMessages(worker, install);
    } catch (err) {
      worker.log.error(
        { err, workspaceId: install.workspaceId, installId: install.installId },
        "a turn of CRM writes failed",
      );
      return 0;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      isWoken = false;
      const taken = await round().catch((err) => {
        worker.log.error({ err }, "the CRM writer could not look for work");
        return 0;
      });
      if (taken === 0 && !isWoken && !stopping.signal.aborted) await new Promise<void>((resolve) => wait(resolve));
    }
  }

  function wait(resolve: () => void): void {
    const timer = setTimeout(resolve, pollMs);
    ring = () => {
      clearTimeout(timer);
      resolve();
    };
  }

  function wake(): void {
    isWoken = true;
    ring?.();
  }

  const running = run();
  return {
    wake,
    async stop() {
      stopping.abort();
      wake();
      await running;
    },
  };
}
