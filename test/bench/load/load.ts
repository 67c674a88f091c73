import { type ChildProcess, fork } from "node:child_process";
import { Failure } from "#core/kit/failure.ts";
import type { RoundPlan, RoundResult } from "./round.ts";

/** The load generator: a process of its own, so that its work is not done by whoever measures. */
export interface Load {
  /** As many posts as the connections can carry, one under way on each. */
  run(plan: RoundPlan): Promise<RoundResult>;
  stop(): void;
}

/** Starts it and lets it make and sign its bodies. */
export async function startLoad(appSecret: string, bodies: number): Promise<Load> {
  const child = fork(new URL("./main.ts", import.meta.url), [appSecret, String(bodies)]);
  await answerOf(child);
  return {
    async run(plan) {
      child.send(plan);
      return (await answerOf(child)) as RoundResult;
    },
    stop: () => void child.kill(),
  };
}

function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const lost = () => reject(new Failure("unavailable", "bench.load", "The load generator ended: see above."));
    child.once("exit", lost);
    child.once("message", (message) => {
      child.off("exit", lost);
      resolve(message);
    });
  });
}
