import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { makeLog } from "#core/kit/log.ts";
import { type Database, openDatabase } from "#core/store/database.ts";
import { makeScratchFolder, removeScratchFolder } from "#test/support/scratch-folder.ts";
import { until } from "#test/support/until.ts";

const { binaries } = inject("postgres");
const opened: Database[] = [];
const children: ChildProcess[] = [];
let dataDir: string;
let logged: string[];

beforeEach(() => {
  dataDir = makeScratchFolder();
  logged = [];
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.end()));
  for (const child of children.splice(0)) child.kill("SIGKILL");
  // A server that a killed child left is adopted once more, so that the test leaves no process behind.
  await (await open()).end();
  removeScratchFolder(dataDir);
});

test("the server that a killed process left is taken over, with what it had committed", async () => {
  const child = await openInChild();
  child.process.kill("SIGKILL");
  await once(child.process, "exit");

  const database = await remember(open());

  expect(serverPid(database)).toBe(child.postgresPid);
  expect(logged).toContain(`took over the PostgreSQL (pid ${child.postgresPid}) that an earlier run left`);
});

test("a server that was killed together with its process is recovered, and nothing committed is missing", async () => {
  const child = await openInChild();
  const writing = await open();
  await writing.owner.query("create table kept (id int); insert into kept values (42)");
  await writing.end();
  child.process.kill("SIGKILL");
  await once(child.process, "exit");
  process.kill(child.postgresPid, "SIGKILL");

  const database = await remember(open());

  expect((await database.owner.query("select id from kept")).rows).toEqual([{ id: 42 }]);
  expect(serverPid(database)).not.toBe(child.postgresPid);
  expect(logged).toContain("recovered PostgreSQL after a crash of an earlier run");
});

test("processes that start at once share one server", async () => {
  const started = await Promise.all([openInChild(), openInChild(), openInChild()]);

  const pids = new Set(started.map(({ postgresPid }) => postgresPid));

  expect(pids.size).toBe(1);
});

test("a second process that ends does not stop the server of the first, whoever started it", async () => {
  const first = await openInChild();
  const second = await remember(open());
  await finish(first.process);
  expect(isAlive(first.postgresPid)).toBe(true);

  await expect(second.app.query("select 1")).resolves.toMatchObject({ rowCount: 1 });
  await second.end();

  expect(isAlive(first.postgresPid)).toBe(false);
});

test("processes that end at once leave no server behind", async () => {
  const [first, second] = await Promise.all([openInChild(), openInChild()]);

  await Promise.all([finish(first.process), finish(second.process)]);

  expect(isAlive(first.postgresPid)).toBe(false);
});

test("a server that dies under us is started again, and the pools heal by themselves", async () => {
  const database = await remember(open());
  const killed = serverPid(database);
  await database.app.query("select 1");
  process.kill(killed, "SIGKILL");

  await until(async () => serverPid(database) !== killed);
  await until(async () => (await database.app.query("select 1")).rowCount === 1);

  expect(logged).toContain("PostgreSQL ended without being told to: starting it again");
  expect(logged).toContain(`PostgreSQL runs again (pid ${serverPid(database)})`);
  await database.end();
  expect(isAlive(serverPid(database))).toBe(false);
});

test.runIf(process.getuid?.() === 0)(
  "as root, PostgreSQL finds a place behind a folder that only root may enter",
  async () => {
    const locked = path.join(dataDir, "locked");
    mkdirSync(locked, { mode: 0o700 });
    const before = process.umask(0o077);
    try {
      const database = await openDatabase({
        dataDir: path.join(locked, "deep/data"),
        binaries,
        log: makeLog("silent"),
      });
      const home = path.dirname(database.embedded?.server().socketDir ?? "");
      await expect(database.app.query("select 1")).resolves.toMatchObject({ rowCount: 1 });
      await database.end();

      expect(home).toMatch(/^\/var\/lib\/triveni\//);
      rmSync(home, { recursive: true });
    } finally {
      process.umask(before);
    }
  },
);

test.runIf(process.getuid?.() === 0)(
  "data that PostgreSQL can no longer reach is not replaced by an empty database",
  async () => {
    await (await open()).end();
    chmodSync(dataDir, 0o700);

    try {
      await expect(open()).rejects.toThrow(
        /^The database lies in .*postgres, but a folder above it can no longer be entered/,
      );
    } finally {
      chmodSync(dataDir, 0o711);
    }
  },
);

test("the login is neither a superuser nor above row-level security, and production settings are durable", async () => {
  const database = await remember(open());

  const { rows } = await database.owner.query(`
    select rolsuper, rolbypassrls, current_setting('fsync') as fsync,
      current_setting('synchronous_commit') as commit, current_setting('data_checksums') as checksums
    from pg_roles where rolname = current_user`);

  expect(rows).toEqual([{ rolsuper: false, rolbypassrls: false, fsync: "on", commit: "on", checksums: "on" }]);
  expect((await database.worker.query("select current_user as role")).rows).toEqual([{ role: "triveni_worker" }]);
});

test("a database address that answers nobody is told in words, without its password", async () => {
  const log = makeLog("silent");
  const failing = openDatabase({ url: "postgres://ann:geheim@127.0.0.1:1/triveni", dataDir, log });

  await expect(failing).rejects.toMatchObject({
    code: "store.unavailable",
    message: expect.not.stringContaining("geheim"),
  });
  await expect(failing).rejects.toThrow(
    "Start it, or correct DATABASE_URL; without DATABASE_URL Triveni runs its own.",
  );
});

test("options in a database address cannot drop the role", async () => {
  const { socketDir } = inject("postgres");
  const log = makeLog("silent");
  const url = `postgres://triveni@localhost/triveni?host=${encodeURIComponent(socketDir)}&options=-c%20geqo%3Don`;

  await expect(openDatabase({ url, dataDir, log })).rejects.toThrow(
    "Connections run as triveni instead of triveni_app",
  );
});

function open(): Promise<Database> {
  const log = makeLog("info", { write: (line) => logged.push(JSON.parse(line).msg) });
  return openDatabase({ dataDir, binaries, log });
}

async function remember(opening: Promise<Database>): Promise<Database> {
  const database = await opening;
  opened.push(database);
  return database;
}

interface Child {
  process: ChildProcess;
  postgresPid: number;
}

async function openInChild(): Promise<Child> {
  const program = path.join(import.meta.dirname, "../../support/open-database.ts");
  const child = spawn(process.execPath, [program, dataDir, ...(binaries ? [binaries] : [])], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  const [line] = await once(createInterface(child.stdout), "line");
  return { process: child, postgresPid: JSON.parse(line).postgresPid };
}

async function finish(child: ChildProcess): Promise<void> {
  child.stdin?.end();
  await once(child, "exit");
}

function serverPid(database: Database): number {
  return database.embedded?.server().pid ?? 0;
}

/** A killed server whose parent has not collected it is a zombie: it is still there by number, but it runs nothing. */
function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}/exe`);
}
