import type pg from "pg";
import type { CrmConnector } from "#core/crm/connector.ts";
import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";
import type { Sealer } from "#core/kit/seal.ts";

/** What the CRM usecases work with; made once per process. */
export interface CrmWorker {
  /** The worker role's pool. No connection is held while a CRM is called. */
  pool: pg.Pool;
  /** By `install.crm`. Handed in by main.ts: usecases know no vendor. */
  connectors: ReadonlyMap<string, CrmConnector>;
  sealer: Sealer;
  clock: Clock;
  log: Log;
  times: CrmTimes;
  /** Aborted when this process stops: no further call leaves; those under way are waited for. */
  stopping: AbortSignal;
}

export interface CrmTimes {
  /**
   * How long the work of a killed process stays closed. More than twice the longest call to a CRM, so that what a dead
   * process had sent is there to be read back when another one takes over; short enough to be drained within a minute.
   */
  leaseMs: number;
  /** How long after a lost answer the CRM is left alone: what it may still be doing must be over, and its search up to date. */
  settleMs: number;
  /** How long a call may wait for its turn before the whole batch is put off. */
  paceMsMax: number;
  /** How long a person whom the CRM refused is not offered to it again. */
  quietMs: number;
}

export const CRM_TIMES: CrmTimes = { leaseMs: 32_000, settleMs: 10_000, paceMsMax: 12_000, quietMs: 3_600_000 };
