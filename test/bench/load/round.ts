import { Failure } from "#core/kit/failure.ts";
import { Histogram } from "../histogram.ts";
import { Connection } from "./connection.ts";

export interface RoundPlan {
  port: number;
  connections: number;
  /** Not counted: caches fill, code is compiled. */
  warmUpMs: number;
  measuredMs: number;
}

export interface RoundResult {
  perSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** Posts requests until the time is over; the next of a connection leaves when the one before is answered. */
export function runRound(plan: RoundPlan, nextRequest: () => Uint8Array): Promise<RoundResult> {
  const histogram = new Histogram();
  const beganMs = performance.now();
  const countedFromMs = beganMs + plan.warmUpMs;
  const endMs = countedFromMs + plan.measuredMs;
  let open = plan.connections;

  return new Promise((resolve, reject) => {
    function start(): void {
      let sentMs = performance.now();
      const connection = new Connection(plan.port, (status) => {
        const nowMs = performance.now();
        if (status !== 200) return fail(status);
        if (sentMs >= countedFromMs && nowMs <= endMs) histogram.record(nowMs - sentMs);
        if (nowMs < endMs) {
          sentMs = nowMs;
          return connection.send(nextRequest());
        }
        connection.close();
        open -= 1;
        if (open === 0) resolve(resultOf(histogram, plan.measuredMs));
      });
      connection.send(nextRequest());
    }
    function fail(status: number): void {
      const how = status === 0 ? "broke the connection" : `answered ${status}`;
      reject(new Failure("unavailable", "bench.not_accepted", `The server ${how}: nothing is measured but 200.`));
    }
    for (let at = 0; at < plan.connections; at++) start();
  });
}

function resultOf(histogram: Histogram, measuredMs: number): RoundResult {
  return {
    perSecond: histogram.total / (measuredMs / 1000),
    p50Ms: histogram.percentile(0.5),
    p99Ms: histogram.percentile(0.99),
  };
}
