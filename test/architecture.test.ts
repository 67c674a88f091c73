import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { type Import, importsOf, isComputedImport } from "./support/imports.ts";
import { libraryProblem, mayImport, ROOMS_BUILT, roomOf } from "./support/rooms.ts";

const SOURCES = "{core,connectors,hubspot-app,zoho-widget,test}/**/*.{ts,tsx,mts,js,mjs}";

const files = [...globSync(SOURCES, { exclude: ["**/node_modules/**", "**/dist/**"] }), "main.ts"].filter(existsSync);

const read = (file: string) => readFileSync(file, "utf8");
const imports = files.flatMap((file) => importsOf(file, read(file)));

test("every import line is one that the table of rooms allows", () => {
  // A check that saw nothing must not pass.
  expect(imports.length).toBeGreaterThan(100);
  expect(imports.filter(({ to }) => to !== undefined).length).toBeGreaterThan(50);

  expect(imports.flatMap(problemsOf)).toEqual([]);
});

test("no import hides its target in a variable, outside the tests", () => {
  const hiding = files.filter((file) => roomOf(file) !== "test" && isComputedImport(read(file)));

  expect(hiding).toEqual([]);
});

test("every room that is listed as built has a file", () => {
  const withFiles = new Set(files.map(roomOf));

  expect(ROOMS_BUILT.filter((room) => !withFiles.has(room))).toEqual([]);
});

test("every file lies in a room that is listed as built", () => {
  const listed = new Set<string | undefined>(ROOMS_BUILT);
  const everyFile = globSync("{core,connectors}/**/*.*", { exclude: ["**/node_modules/**"] });

  expect(everyFile.filter((file) => path.extname(file) !== ".md" && !listed.has(roomOf(file)))).toEqual([]);
});

describe("the check itself catches", () => {
  test.for([
    ["a static import", "core/kit/a.ts", 'import { Wamid } from "#core/domain/ids.ts";'],
    ["a type import", "core/domain/a.ts", 'import type { Tx } from "#core/store/transaction.ts";'],
    ["an import over many lines", "core/crm/a.ts", 'import {\n  one,\n  two,\n} from "#core/store/sql.ts";'],
    ["a re-export", "core/whatsapp/a.ts", 'export { sql } from "#core/store/sql.ts";'],
    ["a re-export of all", "core/media/a.ts", 'export * from "#core/store/sql.ts";'],
    ["an import for its effect", "core/store/a.ts", 'import "#core/whatsapp/client.ts";'],
    ["a dynamic import", "core/jobs/a.ts", 'const apply = await import("#core/usecases/apply.ts");'],
    ["an import inside a type", "core/views/a.ts", 'type A = import("#core/usecases/apply.ts").A;'],
    ["a relative way out of the room", "core/console/a.tsx", 'import { sql } from "../store/sql.ts";'],
    ["a view in a usecase", "core/usecases/a.ts", 'import { timeline } from "#core/views/timeline.ts";'],
    ["the store in a route", "core/api/routes/a.ts", 'import { sql } from "#core/store/sql.ts";'],
    ["anything of ours in the contract", "core/api/contract/a.ts", 'import { Failure } from "#core/kit/failure.ts";'],
    ["a connector in core", "core/app.ts", 'import { hubspot } from "#connectors/hubspot/connector.ts";'],
    ["another connector", "connectors/hubspot/a.ts", 'import { soql } from "#connectors/salesforce/soql.ts";'],
    ["the store in a connector", "connectors/hubspot/a.ts", 'import { sql } from "#core/store/sql.ts";'],
    ["a test in the product", "main.ts", 'import { freshDatabase } from "#test/support/database.ts";'],
    ["a test by a relative path", "core/kit/a.ts", 'import { until } from "../../test/support/until.ts";'],
    ["the configuration outside main.ts and commands", "core/app.ts", 'import { readConfig } from "./config.ts";'],
    ["a file of no room", "core/kit/a.ts", 'import { x } from "#core/helpers/x.ts";'],
    ["node in the domain", "core/domain/a.ts", 'import { readFileSync } from "node:fs";'],
    ["a library in the contract", "core/api/contract/a.ts", 'import pg from "pg";'],
    ["express in a usecase", "core/usecases/a.ts", 'import type { Request } from "express";'],
    ["a vendor's SDK in a route", "core/api/routes/a.ts", 'import { Client } from "@hubspot/api-client";'],
  ] as const)("%s", ([, from, source]) => {
    expect(importsOf(from, source).flatMap(problemsOf)).toHaveLength(1);
  });

  test.for([
    ["the floors below", "core/usecases/a.ts", 'import { sql } from "#core/store/sql.ts";'],
    ["its own room", "core/domain/identity/a.ts", 'import { b } from "../message.ts";'],
    ["the contract in a view", "core/views/a.ts", 'import type { Page } from "#core/api/contract/timeline.ts";'],
    [
      "the port in a connector",
      "connectors/hubspot/a.ts",
      'import type { CrmConnector } from "#core/crm/connector.ts";',
    ],
    ["a connector in main.ts", "main.ts", 'import { hubspot } from "#connectors/hubspot/connector.ts";'],
    ["the configuration in a command", "core/commands/doctor.ts", 'import { loadConfig } from "#core/config.ts";'],
  ] as const)("nothing in %s", ([, from, source]) => {
    const found = importsOf(from, source);

    expect(found).toHaveLength(1);
    expect(found.flatMap(problemsOf)).toEqual([]);
  });

  test("an import whose target is a variable", () => {
    expect(isComputedImport("const { run } = await import(name);")).toBe(true);
    expect(isComputedImport('const { run } = await import("./run.ts");')).toBe(false);
  });
});

function problemsOf({ from, to, library }: Import): string[] {
  if (library !== undefined) return libraryProblem(from, library);
  return to === undefined || mayImport(from, to) ? [] : [`${from} may not import ${to}`];
}
