import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Failure } from "#core/kit/failure.ts";

export interface MigrationFile {
  number: number;
  name: string;
  checksum: string;
  text: string;
}

const RELEASED = path.join(import.meta.dirname, "migrations");

/** The migrations of a folder (`NNNN_name.sql`), in their order. A name that does not fit, or a number used twice, is refused. */
export function readMigrations(folder: string = RELEASED): MigrationFile[] {
  const files = readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .sort()
    .map((file) => readMigration(folder, file));
  const twice = files.find(({ number }, index) => files[index - 1]?.number === number);
  if (twice !== undefined) {
    throw new Failure(
      "conflict",
      "store.migration_number",
      `Two migrations have the number ${twice.number}. Renumber the newer one.`,
    );
  }
  return files;
}

function readMigration(folder: string, file: string): MigrationFile {
  const number = /^(\d{4})_[a-z0-9_]+\.sql$/.exec(file)?.[1];
  if (number === undefined) {
    throw new Failure("invalid", "store.migration_name", `Migration ${file} must be named like 0007_add_labels.sql.`);
  }
  // A checkout on Windows may turn line ends around; that is no edit.
  const text = readFileSync(path.join(folder, file), "utf8").replaceAll("\r\n", "\n");
  const checksum = createHash("sha256").update(text).digest("hex");
  return { number: Number(number), name: file.slice(0, -".sql".length), checksum, text };
}
