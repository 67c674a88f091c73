import { createHmac, timingSafeEqual } from "node:crypto";

const PREFIX = "sha256=";
const DIGEST_BYTES = 32;

export function hmacSha256Hex(secret: string, bytes: Uint8Array): string {
  return createHmac("sha256", secret).update(bytes).digest("hex");
}

/**
 * True when Meta's `x-hub-signature-256` header signs exactly these bytes with one of the secrets (two during a rotation).
 * Give it the bytes as they arrived: parsing and printing JSON again changes them. Without a secret everything is refused.
 */
export function verifyHubSignature(header: string | undefined, bytes: Uint8Array, secrets: readonly string[]): boolean {
  const claimed = claimedDigest(header);
  if (claimed === undefined) return false;

  let matches = false;
  for (const secret of secrets) {
    // An empty secret would make a signature that anybody can compute.
    if (secret === "") return false;
    matches = timingSafeEqual(createHmac("sha256", secret).update(bytes).digest(), claimed) || matches;
  }
  return matches;
}

function claimedDigest(header: string | undefined): Buffer | undefined {
  if (header === undefined || header.length !== PREFIX.length + 2 * DIGEST_BYTES) return undefined;
  if (!header.startsWith(PREFIX)) return undefined;
  // Buffer.from stops at the first character that is not hexadecimal, so a bad digest comes out short.
  const digest = Buffer.from(header.slice(PREFIX.length), "hex");
  return digest.length === DIGEST_BYTES ? digest : undefined;
}
