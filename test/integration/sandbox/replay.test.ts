import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, expect, test } from "vitest";
import { startApp } from "#core/app.ts";
import { systemClock } from "#core/kit/clock.ts";
import { makeLog } from "#core/kit/log.ts";
import { compareTables, readEffectTable } from "#test/sandbox/expected-effects.ts";
import { type ReplayedFile, type ReplayTarget, replayFolder } from "#test/sandbox/replay-folder.ts";
import { sandboxConfig } from "#test/sandbox/sandbox-config.ts";
import { freshDatabase } from "#test/support/database.ts";

const FIXTURES = path.resolve("test/fixtures/whatsapp");
const WHOLE_FOLDER_MS = 120_000;

const database = await freshDatabase();
const folder = mkdtempSync(path.join(tmpdir(), "triveni-replay-test-"));
const config = sandboxConfig(folder);
const app = await startApp({
  ...{ config, connectors: new Map(), clock: systemClock, log: makeLog("silent") },
  database: { ...database, end: database.drop },
});
afterAll(async () => {
  await app.stop();
  rmSync(folder, { recursive: true });
});
const target: ReplayTarget = { url: app.url, appSecret: config.meta.appSecrets[0] as string, owner: database.owner };

async function replayed(dir: string): Promise<ReplayedFile[]> {
  const files: ReplayedFile[] = [];
  for await (const file of replayFolder(target, dir)) files.push(file);
  return files;
}

test(
  "every fixture does to the store what the table of effects says, and nothing is parked or lost",
  async () => {
    const files = await replayed(FIXTURES);

    const actual = Object.fromEntries(files.map(({ file, effects }) => [file, effects]));
    expect(compareTables(readEffectTable(path.join(FIXTURES, "expected-effects.json")), actual)).toEqual([]);
    expect(files.length).toBeGreaterThanOrEqual(125);
    expect(files.filter(({ outcome }) => outcome.lost + outcome.parked + outcome.unrouted > 0)).toEqual([]);
  },
  WHOLE_FOLDER_MS,
);

test("a signed body that cannot be read is parked, and counted so", async () => {
  writeFileSync(path.join(folder, "broken.json"), "{");

  const [file] = await replayed(folder);

  expect(file?.outcome).toMatchObject({ changes: 1, applied: 0, parked: 1, lost: 0 });
  expect(file?.effects).toEqual(["parked: not JSON"]);
});
