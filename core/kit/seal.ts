import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";
import { Failure } from "./failure.ts";

const FORMAT = 1;
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** One entry of SECRET_KEYS: 32 random bytes in base64, and the id under which sealed values name it. */
export interface SecretKey {
  id: string;
  key: string;
}

export interface Sealer {
  /** Seals with the newest key. `context` (such as `workspaceId/column`) must be the same again to open. */
  seal(text: string, context: string): Buffer;
  /** Opens with whichever key sealed. Throws a Failure when the bytes were altered or moved to another context. */
  open(bytes: Uint8Array, context: string): string;
}

/** Names a key by its fingerprint, so that an operator lists keys and never has to number them. */
export function secretKey(base64: string): SecretKey {
  return { id: createHash("sha256").update(keyBytes(base64)).digest("hex").slice(0, 8), key: base64 };
}

/**
 * AES-256-GCM at rest. Layout: format, length of the key id, key id, nonce, tag, ciphertext.
 * Header and context are authenticated too: a sealed value that is copied into another row or column does not open.
 */
export function sealer(keys: readonly SecretKey[]): Sealer {
  const newest = keys[0];
  if (newest === undefined) {
    throw new Failure("invalid", "seal.no_key", "SECRET_KEYS is empty: secrets cannot be sealed at rest.");
  }
  const byId = new Map(keys.map(({ id, key }) => [id, keyBytes(key)]));

  return {
    seal(text, context) {
      const header = headerOf(newest.id);
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", keyBytes(newest.key), nonce, { authTagLength: TAG_BYTES });
      cipher.setAAD(boundTo(header, context));
      const sealed = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
      return Buffer.concat([header, nonce, cipher.getAuthTag(), sealed]);
    },
    open(bytes, context) {
      const { keyId, header, nonce, tag, sealed } = parsed(bytes);
      const key = byId.get(keyId);
      if (key === undefined) throw keyUnknown(keyId);
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
        decipher.setAAD(boundTo(header, context)).setAuthTag(tag);
        return Buffer.concat([decipher.update(sealed), decipher.final()]).toString("utf8");
      } catch (cause) {
        throw broken(cause);
      }
    },
  };
}

function keyBytes(base64: string): Buffer {
  const bytes = Buffer.from(base64, "base64");
  if (bytes.length === KEY_BYTES) return bytes;
  const message = `A key of SECRET_KEYS holds ${bytes.length} bytes instead of 32. Make one with: openssl rand -base64 32`;
  throw new Failure("invalid", "seal.key_length", message);
}

function headerOf(keyId: string): Buffer {
  const id = Buffer.from(keyId, "utf8");
  return Buffer.concat([Buffer.from([FORMAT, id.length]), id]);
}

function boundTo(header: Buffer, context: string): Buffer {
  return Buffer.concat([header, Buffer.from(context, "utf8")]);
}

function parsed(input: Uint8Array) {
  const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
  const headerEnd = 2 + (bytes[1] ?? 0);
  const nonceEnd = headerEnd + NONCE_BYTES;
  const tagEnd = nonceEnd + TAG_BYTES;
  if (bytes[0] !== FORMAT || bytes.length < tagEnd) throw broken();
  return {
    keyId: bytes.toString("utf8", 2, headerEnd),
    header: bytes.subarray(0, headerEnd),
    nonce: bytes.subarray(headerEnd, nonceEnd),
    tag: bytes.subarray(nonceEnd, tagEnd),
    sealed: bytes.subarray(tagEnd),
  };
}

function keyUnknown(keyId: string): Failure {
  const message = `A secret was sealed with key ${JSON.stringify(keyId)}, which SECRET_KEYS does not have. Add that key again, after the newest one.`;
  return new Failure("unavailable", "seal.key_unknown", message);
}

function broken(cause?: unknown): Failure {
  const message =
    "A sealed secret does not open: it was altered, or it belongs to another row. Connect the account again.";
  return new Failure("invalid", "seal.broken", message, { cause });
}
