/** A stretch of time in which something (a number, a WABA) belonged to one workspace. Open at its end while it still does. */
export interface Period {
  since: Date;
  until: Date | null;
}

/**
 * Whose a thing was at a moment. Inside a period: that owner, also when it has ended since. Before or between periods:
 * the next owner, because Meta tells of a number before its connection is written down here. After the last: nobody.
 */
export function ownerAt<Owner extends Period>(owners: readonly Owner[], at: Date): Owner | undefined {
  const within = owners.find(({ since, until }) => since <= at && (until === null || at < until));
  if (within) return within;
  return owners.filter(({ since }) => since > at).toSorted((a, b) => a.since.getTime() - b.since.getTime())[0];
}
