import type { Failure } from "#core/kit/failure.ts";
import type { ConnectorContext } from "./context.ts";
import type { CrmActivity, CrmPerson, CrmRecord, Refusal } from "./record.ts";

/**
 * Everything a CRM must do for us. A connector keeps no state of an install between calls but caches with a bound and
 * the install id in their key; it waits for its own limits through `context.bucket`, and it never repeats a write whose
 * outcome it does not know: it says so, and the caller settles it.
 */
export interface CrmConnector {
  /** As `install.crm` spells it. */
  readonly crm: string;
  /** How many activities one call of `logMessages` may carry. */
  readonly activitiesMax: number;

  /**
   * Finds the record of each person, or makes one; answers in the order of `people`. No two people of one call
   * have the same newest phone. A record in `strangersRecords` is not taken, though its phone fits. Nothing of an existing
   * record is changed.
   * The caller holds a lock for each person over all processes, remembers what it is told, and does not ask again for a
   * person it has a record of: a CRM's search may lag behind its writes.
   */
  findOrCreateRecords(context: ConnectorContext, people: readonly CrmPerson[]): Promise<RecordResult[]>;

  /**
   * Writes each activity to the timeline of its record, in as few calls as possible; answers in the order of `activities`.
   * The caller has recorded that these may be written, and writes none again that is `unknown` before `findLogged` missed it.
   */
  logMessages(context: ConnectorContext, activities: readonly CrmActivity[]): Promise<LogResult[]>;

  /**
   * Which of the markers the record's timeline holds already: marker to activity id. Throws when it cannot tell for all;
   * with `next.retry: "never"` when it never will: `crm.record_gone`, `crm.timeline_too_long`.
   */
  findLogged(context: ConnectorContext, record: CrmRecord, markers: readonly string[]): Promise<Map<string, string>>;
}

export type RecordResult =
  | { outcome: "linked"; record: CrmRecord; how: "found" | "created" }
  | { outcome: "refused"; refusal: Refusal }
  /** Surely nothing was made; `failure.next` says when to try again, and whether the whole install has to wait. */
  | { outcome: "failed"; failure: Failure }
  /** A record may have been made. */
  | { outcome: "unknown"; failure: Failure };

export type LogResult =
  | { outcome: "written"; activityId: string }
  | { outcome: "refused"; refusal: Refusal }
  | { outcome: "failed"; failure: Failure }
  | { outcome: "unknown"; failure: Failure };
