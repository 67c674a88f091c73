import { setTimeout as sleep } from "node:timers/promises";
import type { Stage } from "./stage.ts";

const pauseMs = { min: 200, max: 2_800 };
const downMs = { min: 50, max: 800 };

/** Kills anybody at any moment, also while they are still starting. */
export async function killAtRandom(stage: Stage, kills: number): Promise<void> {
  const { server, worker, database, random, tally, tell } = stage;
  for (let done = 0; done < kills; done++) {
    await sleep(random.between(pauseMs.min, pauseMs.max));
    const victims = random.pick([
      ["server"],
      ["server"],
      ["worker"],
      ["worker"],
      ["database"],
      ["server", "database"],
      ["server", "worker"],
    ]);
    const struck = [server, worker].filter(({ name }) => victims.includes(name)).filter((service) => service.strike());
    const names = struck.map(({ name }) => name);
    const hitsDatabase = victims.includes("database");
    if (hitsDatabase) {
      await database.kill(random.pick(["postmaster", "all"] as const));
      names.push("database");
    }
    if (names.length === 0) {
      // Nobody was there to kill: between two starts. Another moment counts instead.
      done -= 1;
      continue;
    }
    tally.record("at random", names);
    tell(`at random: ${names.join(" + ")}`);
    if (!hitsDatabase) continue;
    await sleep(random.between(downMs.min, downMs.max));
    await database.restart();
  }
}
