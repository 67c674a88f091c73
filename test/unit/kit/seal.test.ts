import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { sealer, secretKey } from "#core/kit/seal.ts";

const older = secretKey(randomBytes(32).toString("base64"));
const newer = secretKey(randomBytes(32).toString("base64"));
const context = "workspace-1/install.refresh_token";

test("no key, and a key of a wrong length, are refused in words", () => {
  expect(() => sealer([])).toThrow("SECRET_KEYS is empty: secrets cannot be sealed at rest.");
  expect(() => secretKey("c2hvcnQ=")).toThrow(
    "A key of SECRET_KEYS holds 5 bytes instead of 32. Make one with: openssl rand -base64 32",
  );
});

test("a sealed value that was altered anywhere does not open", () => {
  const { seal, open } = sealer([newer]);
  const sealed = seal("token", context);

  for (let at = 0; at < sealed.length; at++) {
    const altered = Buffer.from(sealed);
    altered[at] = (altered[at] ?? 0) ^ 1;
    expect(() => open(altered, context), `byte ${at}`).toThrow();
  }
});

test("a sealed value that was cut off, and bytes that were never sealed, do not open", () => {
  const { seal, open } = sealer([newer]);
  const sealed = seal("token", context);

  for (let length = 0; length < sealed.length; length++) {
    expect(() => open(sealed.subarray(0, length), context), `${length} bytes`).toThrow();
  }
  expect(() => open(Buffer.from("plain text of some length, but never sealed"), context)).toThrow();
});

test("a sealed value that was moved to another row or column does not open", () => {
  const { seal, open } = sealer([newer]);

  expect(() => open(seal("token", context), "workspace-2/install.refresh_token")).toThrow(
    expect.objectContaining({ code: "seal.broken" }),
  );
});

test("a value whose key was removed tells which key is missing", () => {
  const sealed = sealer([older]).seal("token", context);

  expect(() => sealer([newer]).open(sealed, context)).toThrow(
    `A secret was sealed with key "${older.id}", which SECRET_KEYS does not have. Add that key again, after the newest one.`,
  );
});

test("after a rotation the old values open, and new ones are sealed with the newest key", () => {
  const rotated = sealer([newer, older]);

  expect(rotated.open(sealer([older]).seal("old token", context), context)).toBe("old token");
  expect(sealer([newer]).open(rotated.seal("new token", context), context)).toBe("new token");
});

test("the same text is sealed differently each time, and any text comes back", () => {
  const { seal, open } = sealer([newer]);

  expect(seal("token", context).equals(seal("token", context))).toBe(false);
  expect(open(seal("", context), context)).toBe("");
  expect(open(seal("नमस्ते 🙏", context), context)).toBe("नमस्ते 🙏");
});
