import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, expect, test } from "vitest";
import { freshDatabase } from "#test/support/database.ts";
import { textFrom } from "#test/support/payloads.ts";
import { makeScratchFolder, removeScratchFolder } from "#test/support/scratch-folder.ts";
import { until } from "#test/support/until.ts";
import { secrets, signatureOf } from "./webhook-stage.ts";

const database = await freshDatabase();
const { owner, connection } = database;
const main = path.join(import.meta.dirname, "../../../main.ts");
let posted = 0;
const running: ChildProcess[] = [];
const holding: (() => Promise<void>)[] = [];
const folder = makeScratchFolder();

afterEach(async () => {
  for (const child of running.splice(0))
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  for (const letGo of holding.splice(0)) await letGo();
  await owner.query("delete from delivery");
});

/** `npm start` as an operator runs it, on the database of this file. */
async function startProcess(): Promise<{ child: ChildProcess; url: string }> {
  const host = encodeURIComponent(String(connection.host));
  const env = {
    PATH: process.env["PATH"],
    PORT: "0",
    PUBLIC_URL: "http://127.0.0.1",
    DATABASE_URL: `postgres://${connection.user}@localhost/${connection.database}?host=${host}`,
    SECRET_KEYS: Buffer.alloc(32, 7).toString("base64"),
    META_APP_ID: "test",
    META_APP_SECRET: secrets.join(","),
    META_VERIFY_TOKEN: "token",
  };
  const child = spawn(process.execPath, [main], { cwd: folder, env, stdio: ["ignore", "pipe", "inherit"] });
  running.push(child);
  const ended = once(child, "exit").then(() => Promise.reject(new Error("The process ended before it was ready.")));
  const ready = new Promise<string>((resolve) => {
    // Read to the end: a process whose log nobody takes would be another test.
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { msg, url } = JSON.parse(line);
      if (msg === "ready") resolve(url);
    });
  });
  const url = await Promise.race([ready, ended]);
  ended.catch(() => undefined);
  return { child, url };
}

function newBody(): string {
  posted += 1;
  return JSON.stringify(textFrom({ bsuid: "IN.1" }, `wamid.${posted}`, 1_795_000_000, "hello"));
}

function post(url: string, body: string): Promise<Response> {
  const headers = { "content-type": "application/json", "x-hub-signature-256": signatureOf(body) };
  return fetch(`${url}/webhooks/meta`, { method: "POST", body, headers });
}

/** A delivery that has reached the database and waits there. */
async function underWay(
  url: string,
  body = newBody(),
): Promise<{ answer: Promise<Response | "broken">; goOn(): Promise<void> }> {
  const holder = await owner.connect();
  await holder.query("begin; lock table delivery in exclusive mode");
  let isHeld = true;
  const goOn = async () => {
    if (isHeld) await holder.query("rollback");
    if (isHeld) holder.release();
    isHeld = false;
  };
  holding.push(goOn);
  const answer = post(url, body).catch(() => "broken" as const);
  await until(async () => {
    const { rowCount } = await owner.query(
      "select from pg_stat_activity where wait_event_type = 'Lock' and query like '%insert into delivery (%'",
    );
    return rowCount === 1;
  });
  return { answer, goOn };
}

/** On a connection of its own each time: one that is kept alive is another question. */
async function isRefused(url: string): Promise<boolean> {
  return fetch(`${url}/livez`, { headers: { connection: "close" } }).then(
    () => false,
    () => true,
  );
}

test("a second signal ends the process at once, and what was under way was never acknowledged", async () => {
  const { child, url } = await startProcess();
  const { answer, goOn } = await underWay(url);
  const exit = once(child, "exit");

  child.kill("SIGTERM");
  await until(() => isRefused(url));
  child.kill("SIGTERM");

  expect(await exit).toEqual([1, null]);
  expect(await answer).not.toMatchObject({ status: 200 });
  await goOn();
});

test.for(["SIGTERM", "SIGINT"] as const)(
  "%s takes nothing new, answers what is under way, and ends in order",
  async (signal) => {
    const { child, url } = await startProcess();
    const body = newBody();
    const { answer, goOn } = await underWay(url, body);
    const exit = once(child, "exit");

    child.kill(signal);
    await until(() => isRefused(url));
    expect(child.exitCode).toBe(null);
    await goOn();

    // Not "broken"; on a machine that was too busy for 5 s the answer is 503, and the bytes are stored all the same.
    expect(await answer).toHaveProperty("status");
    expect(await exit).toEqual([0, null]);
    // By its bytes: what the test before left under way may have been stored meanwhile.
    expect((await owner.query("select from delivery where payload = $1", [Buffer.from(body)])).rowCount).toBe(1);
  },
);

test("a stopped process leaves no session, no lease and no writer's lock in the database", async () => {
  const { child, url } = await startProcess();
  await post(url, newBody());

  child.kill("SIGTERM");
  await once(child, "exit");

  await until(async () => {
    const { rowCount } = await owner.query("select from pg_locks where locktype = 'advisory'");
    return rowCount === 0;
  });
  const { rows } = await owner.query("select from lane where leased_until > now()");
  expect(rows).toEqual([]);
  removeScratchFolder(folder);
});
