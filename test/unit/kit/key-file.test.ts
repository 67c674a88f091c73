import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readOrMakeKeyFile } from "#core/kit/key-file.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "triveni-keys-"));
});

afterEach(() => rmSync(folder, { recursive: true }));

test("a file that is there is never replaced, not even when it is empty", () => {
  const file = path.join(folder, "secret-keys");
  writeFileSync(file, "");

  expect(readOrMakeKeyFile(file)).toBe("");
});

test("an absent file is made with one key of 32 bytes that only its owner can read", () => {
  const file = path.join(folder, "data/secret-keys");

  const made = readOrMakeKeyFile(file);

  expect(Buffer.from(made, "base64")).toHaveLength(32);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readFileSync(file, "utf8")).toBe(made);
  expect(readOrMakeKeyFile(file)).toBe(made);
  expect(readdirSync(path.dirname(file))).toEqual(["secret-keys"]);
});
