/** What the simulator is told to do. Orders count down; the rest stays until it is changed. */
export interface Behaviour {
  /** The next sends are refused with this code of Graph, and nothing else happens. */
  refuse?: { code: number; httpStatus?: number; times?: number };
  /** The next sends are cut off before any work. */
  cutBeforeWork?: number;
  /** The next sends are done, statuses and all, and never answered. */
  dropAnswerAfterWork?: number;
  /** The next sends are done and answered with a 500 that is no answer of Graph. */
  answer500AfterWork?: number;
  /** The next sends are done and answered with Graph's own "something went wrong", 131000 with a 500. */
  answer131000AfterWork?: number;
  /** Statuses wait until this is false again. */
  holdStatuses?: boolean;
  /** Each status comes so many times. */
  statusCopies?: number;
  /** "read" overtakes "delivered", which overtakes "sent". */
  reverseStatuses?: boolean;
  /** Which statuses a message gets, in Meta's order. */
  statuses?: readonly ("sent" | "delivered" | "read" | "failed")[];
}

type Order = "cutBeforeWork" | "dropAnswerAfterWork" | "answer500AfterWork" | "answer131000AfterWork";

export class Orders {
  now: Behaviour = { statuses: ["sent", "delivered", "read"], statusCopies: 1 };

  change(behaviour: Behaviour): void {
    this.now = { ...this.now, ...behaviour };
  }

  take(order: Order): boolean {
    const left = this.now[order] ?? 0;
    if (left > 0) this.now[order] = left - 1;
    return left > 0;
  }

  takeRefusal(): { code: number; httpStatus: number } | undefined {
    const { refuse } = this.now;
    if (refuse === undefined) return undefined;
    const times = refuse.times ?? 1;
    if (times > 1) this.now.refuse = { ...refuse, times: times - 1 };
    else delete this.now.refuse;
    return { code: refuse.code, httpStatus: refuse.httpStatus ?? 400 };
  }
}
