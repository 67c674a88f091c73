import { execFile } from "node:child_process";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { makeLog } from "#core/kit/log.ts";
import { openDatabase } from "#core/store/database.ts";
import { migrate } from "#core/store/migrate.ts";
import { makeScratchFolder, removeScratchFolder } from "#test/support/scratch-folder.ts";

const root = path.resolve(import.meta.dirname, "../../..");
const scratch = makeScratchFolder();
// Commands read a file .env of the folder they run in: an empty one keeps a developer's out.
const cwd = path.join(scratch, "run");
mkdirSync(cwd);
afterAll(() => removeScratchFolder(scratch));

const env = {
  PATH: process.env["PATH"],
  DATA_DIR: scratch,
  PUBLIC_URL: "https://crm.example.com",
  META_APP_ID: "1",
  META_APP_SECRET: "not-to-be-printed",
  META_VERIFY_TOKEN: "not-to-be-printed",
};

async function run(command: string, args: string[] = [], settings = env): Promise<{ code: number; output: string }> {
  const call = [path.join(root, "core/commands", command), ...args];
  const done = await promisify(execFile)(process.execPath, call, { cwd, env: settings }).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => error,
  );
  return { code: done.code, output: done.stdout + done.stderr };
}

// On the installed PostgreSQL 18 in every run: a command takes no other programs.
test("the commands work beside a running server and leave it running", async () => {
  const database = await openDatabase({ dataDir: scratch, poolMax: 2, log: makeLog("silent") });
  try {
    await migrate(database.owner);
    const pid = database.embedded?.server().pid;

    const doctor = await run("doctor.ts");
    const trace = await run("trace.ts", ["wamid.unknown"]);
    const reapply = await run("reapply.ts");

    expect(doctor.output).toContain("ok    fsync: on.");
    expect(doctor.output).toMatch(/ok {4}disk free: .* GiB beside the embedded database/);
    expect(doctor.output).toContain("FAIL  partitions of delivery: none for ");
    expect(doctor.output).not.toContain("not-to-be-printed");
    expect(doctor.code).toBe(1);
    expect(trace.output).toMatch(/^Nothing is known of wamid\.unknown: /);
    expect(trace.code).toBe(1);
    expect(reapply).toEqual({ code: 0, output: "0 back in their lanes, 0 routed, 0 parked again.\n" });
    expect(database.embedded?.server().pid).toBe(pid);
    await expect(database.app.query("select 1")).resolves.toMatchObject({ rowCount: 1 });
  } finally {
    await database.end();
  }
});

test("doctor without settings lists them and fails", async () => {
  const { code, output } = await run("doctor.ts", [], { PATH: env.PATH } as typeof env);

  expect(code).toBe(1);
  expect(output.match(/^FAIL {2}settings: /gm)?.length).toBeGreaterThan(3);
});
