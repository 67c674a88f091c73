import type { Clock } from "#core/kit/clock.ts";
import type { Log } from "#core/kit/log.ts";

/** Keeps what one turn of work holds, as long as the turn is alive. */
export interface LeaseKeeper {
  /** False once a renewal failed or came too late: from then on nothing may be sent, somebody else may be at it. */
  isHeld(): boolean;
  stop(): Promise<void>;
}

/** `renew` prolongs by `leaseMs` and says whether everything was still ours. */
export function keepLeases(
  { clock, log }: { clock: Clock; log: Log },
  leaseMs: number,
  renew: () => Promise<boolean>,
): LeaseKeeper {
  let isOurs = true;
  let renewedAt = clock.monotonicMs();
  let renewing = Promise.resolve();
  const beat = async () => {
    const askedAt = clock.monotonicMs();
    try {
      if (await renew()) renewedAt = askedAt;
      else isOurs = false;
    } catch (err) {
      // The database was away for a moment; `isHeld` ends by itself when it stays away.
      log.warn({ err }, "a lease could not be renewed");
    }
  };
  const timer = setInterval(() => {
    renewing = renewing.then(beat);
  }, leaseMs / 4);
  timer.unref();

  return {
    // The second half of a lease belongs to the call that is under way: it must be over when the lease ends.
    isHeld: () => isOurs && clock.monotonicMs() - renewedAt < leaseMs / 2,
    async stop() {
      clearInterval(timer);
      await renewing;
    },
  };
}
