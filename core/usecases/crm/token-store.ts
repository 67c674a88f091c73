import { setTimeout as sleep } from "node:timers/promises";
import type { TokenStore, Tokens } from "#core/crm/context.ts";
import { Failure } from "#core/kit/failure.ts";
import { type Install, selectTokens, updateTokens } from "#core/store/installs.ts";
import { acquireLeases, releaseLeases } from "#core/store/leases.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import type { CrmWorker } from "./crm-worker.ts";

/** Longer than any refresh; a killed process blocks the others no longer than this. */
const RENEW_LEASE_MS = 20_000;
const POLL_MS = 100;
const WAIT_MS_MAX = 30_000;

/** Tokens of one install for one turn of work: unsealed once, renewed by one process at a time. */
export function tokenStore({ pool, sealer, clock, stopping }: CrmWorker, install: Install, holder: string): TokenStore {
  let known: Tokens | undefined;
  let renewing: Promise<Tokens> | undefined;

  async function load(): Promise<Tokens> {
    const tokens = await asWorkspaces(pool, [install.workspaceId], (tx) => selectTokens(tx, install, sealer));
    if (tokens === undefined) throw disconnected(install);
    known = tokens;
    return tokens;
  }

  async function renew(old: Tokens, refresh: (current: Tokens) => Promise<Tokens>): Promise<Tokens> {
    const name = `token:${install.installId}`;
    const startedAt = clock.monotonicMs();
    for (; !stopping.aborted && clock.monotonicMs() - startedAt < WAIT_MS_MAX; await sleep(POLL_MS)) {
      const lease = await acquireLeases(pool, [name], holder, RENEW_LEASE_MS);
      try {
        const current = await load();
        if (current.accessToken !== old.accessToken) return current;
        if (lease.length === 0) continue;
        const tokens = await refresh(current);
        await asWorkspaces(pool, [install.workspaceId], (tx) => updateTokens(tx, install, tokens, sealer));
        known = tokens;
        return tokens;
      } finally {
        if (lease.length > 0) await releaseLeases(pool, [name], holder);
      }
    }
    const message = `Another process has been renewing the token of install ${install.installId} for ${WAIT_MS_MAX / 1000} s.`;
    throw new Failure("unavailable", "crm.token_busy", message, { next: { retry: "later", scope: "install" } });
  }

  return {
    read: async () => known ?? load(),
    // Single flight inside the process as well: calls that run side by side share one renewal.
    renew(old, refresh) {
      renewing ??= renew(old, refresh).finally(() => {
        renewing = undefined;
      });
      return renewing;
    },
  };
}

function disconnected({ installId, crm, crmAccountId }: Install): Failure {
  const message = `Install ${installId} has no tokens: connect ${crm} account ${crmAccountId} again.`;
  return new Failure("unauthorized", "crm.disconnected", message, { next: { retry: "never", scope: "install" } });
}
