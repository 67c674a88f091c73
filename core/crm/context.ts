import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";

/** All that a connector may ask of us, made anew for each install and each turn of work. */
export interface ConnectorContext {
  readonly workspaceId: string;
  readonly installId: string;
  /** HubSpot portal id, Salesforce org id, Zoho org id. */
  readonly crmAccountId: string;
  /** Names the install in every line. */
  readonly log: Log;
  readonly clock: Clock;
  readonly tokens: TokenStore;
  readonly bucket: Buckets;
}

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  expiresAt: Date;
}

/** The install's tokens, sealed at rest. */
export interface TokenStore {
  /** Throws a Failure `crm.disconnected` when the install has none (any more). */
  read(): Promise<Tokens>;
  /**
   * Makes new tokens, one process at a time: when another one has made some newer than `old` meanwhile, those are returned
   * and `refresh` is not called. The result is stored before it is returned.
   */
  renew(old: Tokens, refresh: (current: Tokens) => Promise<Tokens>): Promise<Tokens>;
}

export interface BucketShape {
  /** Within the install, such as `search`. */
  name: string;
  /** At most so many at once, and `perSecond` in the long run, over all processes. */
  capacity: number;
  perSecond: number;
}

export interface Buckets {
  /** Waits until `count` calls may leave. Throws a Failure `crm.paced` (throttled) when that would take too long. */
  take(shape: BucketShape, count?: number): Promise<void>;
  /** The CRM said that it has had enough: nobody takes from this bucket for `ms`. */
  pause(shape: BucketShape, ms: number): Promise<void>;
}
