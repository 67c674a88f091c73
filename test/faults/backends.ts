import type { Owner } from "./database-server.ts";
import { leaseSeenMs, seen } from "./stage.ts";

/** A session of one of our processes that waits for a lock of ours, inside a statement that we know. */
export interface Waiting {
  pid: number;
  process: string;
}

/** Waits until a session of the process `of` (absent: of anybody) stands at a statement that holds `words`. */
export async function waitingAt(owner: Owner, words: string, of?: string): Promise<Waiting | undefined> {
  return seen(
    async () => (await sessionsAt(owner, words)).find(({ process }) => process === (of ?? process)),
    leaseSeenMs,
  );
}

export async function isWaitingAt(owner: Owner, words: string): Promise<boolean> {
  return (await waitingAt(owner, words)) !== undefined;
}

/** Sessions that wait for a lock inside such a statement, now. */
export async function sessionsAt(owner: Owner, words: string): Promise<Waiting[]> {
  return owner.ask<{ pid: number; process: string }>(
    `select pid, application_name as process from pg_stat_activity
     where wait_event_type = 'Lock' and pid <> pg_backend_pid() and position($1 in query) > 0 order by pid`,
    [words],
  );
}

/** Ends the session as the loss of its machine would: what it had not committed is gone. */
export async function endSession(owner: Owner, pid: number): Promise<void> {
  await owner.ask("select pg_terminate_backend($1, 5000)", [pid]);
}
