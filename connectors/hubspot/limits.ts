import type { BucketShape } from "#core/crm/context.ts";

/**
 * HubSpot allows a marketplace app 110 calls in any 10 s per account. A full bucket of 10 and 9 more each second is at
 * most 100 in any such window, and leaves 10 to jitter on the way: calls that leave evenly may arrive in a bunch.
 */
export const CALLS: BucketShape = { name: "calls", capacity: 10, perSecond: 9 };

/** Searches count apart: 5 a second, shared by all apps of the account. One at once and 4 a second never makes a sixth. */
export const SEARCHES: BucketShape = { name: "search", capacity: 1, perSecond: 4 };
