import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const KEY_BYTES = 32;

/**
 * The text of a file with secret keys (base64, comma separated, newest first), made with one random key when it is absent.
 * Only its owner can read it. Whoever loses the file loses every sealed secret: it belongs into the backup, apart from the data.
 */
export function readOrMakeKeyFile(file: string): string {
  return read(file) ?? make(file);
}

function make(file: string): string {
  mkdirSync(path.dirname(file), { recursive: true });
  const half = `${file}.${process.pid}`;
  writeFileSync(half, `${randomBytes(KEY_BYTES).toString("base64")}\n`, { mode: 0o600, flush: true });
  try {
    // Unlike a rename, a link never replaces the file of another process that was starting in the same moment.
    linkSync(half, file);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    rmSync(half);
  }
  return readFileSync(file, "utf8");
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
