/** What the simulator is told to do to a coming call. */
export interface Misbehaviour {
  /** Answer with this status and do nothing. */
  status?: number;
  policyName?: "TEN_SECONDLY_ROLLING" | "SECONDLY" | "DAILY";
  headers?: Record<string, string>;
  /** Do the work, then never answer, or cut the connection; `hang` and `reset` do not even work. */
  does?: "work-then-hang" | "work-then-reset" | "work-then-500" | "hang" | "reset";
  /** Only calls whose path ends with this. */
  path?: string;
  /** Let so many matching calls pass first. */
  skip?: number;
  times?: number;
}

/** Takes what was ordered, in order; the first order that fits a call is used. */
export class Misbehaviours {
  readonly #orders: (Misbehaviour & { skip: number; times: number })[] = [];

  order(one: Misbehaviour): { cancel(): void } {
    const order = { ...one, skip: one.skip ?? 0, times: one.times ?? 1 };
    this.#orders.push(order);
    return {
      cancel: () => {
        order.times = 0;
      },
    };
  }

  forCall(path: string): Misbehaviour | undefined {
    const order = this.#orders.find((one) => one.times > 0 && (one.path === undefined || path.endsWith(one.path)));
    if (!order) return undefined;
    if (order.skip > 0) {
      order.skip--;
      return undefined;
    }
    order.times--;
    return order;
  }
}
