import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import { text } from "node:stream/consumers";
import { Failure } from "#core/kit/failure.ts";
import type { PostgresBinaries } from "./embedded-binaries.ts";
import { spawnedAs } from "./embedded-home.ts";
import { moveIntoPlace } from "./move-into-place.ts";

/** The first major version whose initdb knows the builtin locale provider, which sorts alike on every machine. */
const BUILTIN_LOCALE_SINCE = 17;

/** The real path of the cluster's data, made by initdb the first time. Checksums are on. */
export async function embeddedData(home: string, binaries: PostgresBinaries): Promise<string> {
  const data = path.join(home, "data");
  const versionFile = path.join(data, "PG_VERSION");
  if (!existsSync(versionFile)) await initialise(binaries, data);

  const major = Number(readFileSync(versionFile, "utf8"));
  if (major !== binaries.major) {
    const message = `The data in ${data} is of PostgreSQL ${major}, the installed programs are ${binaries.major}. Back up with the older Triveni, then restore into an empty DATA_DIR.`;
    throw new Failure("conflict", "store.data_version", message);
  }
  return realpathSync(data);
}

async function initialise({ bin, major }: PostgresBinaries, data: string): Promise<void> {
  const fresh = `${data}.${process.pid}`;
  const locale =
    major >= BUILTIN_LOCALE_SINCE
      ? ["--locale-provider=builtin", "--locale=C.UTF-8"]
      : ["--locale=C", "--data-checksums"];
  const child = spawn(
    path.join(bin, "initdb"),
    ["-D", fresh, "-U", "postgres", "-A", "trust", "-E", "UTF8", ...locale],
    {
      ...spawnedAs,
      cwd: path.dirname(data),
      stdio: ["ignore", "ignore", "pipe"],
    },
  );
  const [[code], reason] = await Promise.all([once(child, "close"), text(child.stderr)]);
  if (code !== 0) {
    throw new Failure(
      "unavailable",
      "store.initdb",
      `initdb failed in ${path.dirname(data)} (${code}): ${reason.trim()}`,
    );
  }
  moveIntoPlace(fresh, data);
}
