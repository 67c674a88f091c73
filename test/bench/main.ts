import { apply } from "./apply.ts";
import type { Bench } from "./bench.ts";
import { removeBenchFolders } from "./bench-folder.ts";
import { ingest } from "./ingest.ts";
import { plans } from "./plans.ts";
import { start } from "./start.ts";
import { timeline } from "./timeline.ts";

const benches: Readonly<Record<string, Bench>> = { ingest, apply, timeline, start, plans };

/** `npm run bench -- NAME [--json]`: the last line is one JSON object; the exit code is 1 when a budget was missed. */
async function main(names: readonly string[]): Promise<number> {
  const isJson = names.includes("--json");
  const [name = "", ...others] = names.filter((it) => it !== "--json");
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (!bench || others.length > 0) {
    console.error(`Say which benchmark: npm run bench -- ${Object.keys(benches).join("|")} [--json]`);
    return 2;
  }
  // With --json everything but the last line goes where a pipe does not see it.
  const say = isJson ? console.error : console.log;
  say(`${name}: ${bench.about}`);
  const beganMs = performance.now();
  const { figures, missed } = await bench.run(say);
  say(`took ${Math.round((performance.now() - beganMs) / 1000)} s`);
  for (const sentence of missed) say(`missed: ${sentence}`);
  console.log(JSON.stringify(figures));
  return missed.length > 0 ? 1 : 0;
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    removeBenchFolders();
    process.exit(130);
  });
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    removeBenchFolders();
    process.exit(1);
  },
);
