import { expect, test } from "vitest";
import { hmacSha256Hex, verifyHubSignature } from "#core/kit/signature.ts";

const bytes = Buffer.from('{"entry":[{"id":"1"}]}');
const secret = "app-secret";
const header = `sha256=${hmacSha256Hex(secret, bytes)}`;

test("without a secret, or with an empty one beside a right one, everything is refused", () => {
  expect(verifyHubSignature(header, bytes, [])).toBe(false);
  expect(verifyHubSignature(`sha256=${hmacSha256Hex("", bytes)}`, bytes, [""])).toBe(false);
  expect(verifyHubSignature(header, bytes, ["", secret])).toBe(false);
});

test.for([
  ["an absent header", undefined],
  ["an empty header", ""],
  ["a bare digest", hmacSha256Hex(secret, bytes)],
  ["another algorithm", header.replace("sha256", "sha512")],
  ["a digest that is too short", header.slice(0, -2)],
  ["a digest that is too long", `${header}00`],
  ["a digest that is not hexadecimal", `${header.slice(0, -2)}zz`],
  ["a digest of odd length that is padded", `${header.slice(0, -1)} `],
] as const)("%s is refused", ([, claimed]) => {
  expect(verifyHubSignature(claimed, bytes, [secret])).toBe(false);
});

test("one altered byte is refused, in the body and in the digest", () => {
  const altered = Buffer.from(bytes);
  altered[0] = 0x20;
  const flipped = header.slice(0, -1) + (header.endsWith("0") ? "1" : "0");

  expect(verifyHubSignature(header, altered, [secret])).toBe(false);
  expect(verifyHubSignature(flipped, bytes, [secret])).toBe(false);
});

test("the right signature is accepted, in upper case too, and under either of two secrets", () => {
  expect(verifyHubSignature(header, bytes, [secret])).toBe(true);
  expect(verifyHubSignature(`sha256=${header.slice(7).toUpperCase()}`, bytes, [secret])).toBe(true);
  expect(verifyHubSignature(header, bytes, ["new-secret", secret])).toBe(true);
  expect(verifyHubSignature(header, bytes, [secret, "old-secret"])).toBe(true);
});

test("the digest is that of RFC 4231, test case 2", () => {
  expect(hmacSha256Hex("Jefe", Buffer.from("what do ya want for nothing?"))).toBe(
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});
