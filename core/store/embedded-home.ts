import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from "node:fs";
import path from "node:path";
import { Failure } from "#core/kit/failure.ts";

const isRoot = process.getuid?.() === 0;

/** In /etc/passwd of every distribution; initdb refuses a uid without a name, and PostgreSQL refuses root. */
const nobody = { uid: 65534, gid: 65534 };

/** A socket path holds 107 bytes, its file name included. */
const SOCKET_DIR_LENGTH_MAX = 90;

/** How PostgreSQL's programs are spawned: as an unprivileged user, and without our PGPORT, PGDATA or PGOPTIONS leaking in. */
export const spawnedAs = {
  ...(isRoot ? nobody : {}),
  env: { PATH: "/usr/bin:/bin", LC_ALL: "C", TZ: "UTC" },
};

/**
 * The folder of the server's data, log and socket. Usually `dataDir/postgres`. As root everything that PostgreSQL touches
 * must lie where uid 65534 can get to: behind a folder that only root may enter, the home is under /var/lib/triveni.
 */
export function embeddedHome(dataDir: string): string {
  const given = path.resolve(dataDir);
  makeEnterable(given);
  const usual = path.join(given, "postgres");
  const home = mustStandElsewhere(given) ? path.join("/var/lib/triveni", shortHash(given)) : usual;
  if (home !== usual && existsSync(path.join(usual, "data/PG_VERSION"))) throw shutOut(usual);

  makeEnterable(path.dirname(home));
  mkdirSync(home, { recursive: true });
  if (isRoot) {
    spawnSync("chmod", ["a+rx", path.dirname(home)]);
    chownSync(home, nobody.uid, nobody.gid);
  }
  return home;
}

/** True when PostgreSQL, as it will be spawned, cannot get into `dir`. */
export function mustStandElsewhere(dir: string): boolean {
  return isRoot && !isEnterable(dir);
}

export function socketHome(home: string): string {
  const own = path.join(home, "socket");
  const dir = own.length < SOCKET_DIR_LENGTH_MAX ? own : path.join("/tmp", `triveni-${shortHash(home)}`);
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (isRoot) chownSync(dir, nobody.uid, nobody.gid);
  refuseForeign(dir);
  return dir;
}

/** Under umask 077 new folders would shut PostgreSQL out: those that we make here are opened for passing through. */
function makeEnterable(dir: string): void {
  const first = mkdirSync(dir, { recursive: true });
  if (!isRoot || first === undefined) return;
  for (let at = dir; at.length >= first.length; at = path.dirname(at)) chmodSync(at, 0o711);
}

function isEnterable(dir: string): boolean {
  for (let at = path.resolve(dir); ; at = path.dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

/** Anybody may make a folder in /tmp first, and whoever owns the socket's folder can pose as the database. */
function refuseForeign(dir: string): void {
  const { uid, mode } = statSync(dir);
  const own = isRoot ? nobody.uid : process.getuid?.();
  if (uid === own && (mode & 0o077) === 0) return;
  const message = `${dir} belongs to somebody else or is open to others: the database's socket cannot lie there. Remove it, or set DATA_DIR to a shorter path.`;
  throw new Failure("forbidden", "store.socket_dir", message);
}

function shutOut(usual: string): Failure {
  const message = `The database lies in ${usual}, but a folder above it can no longer be entered by PostgreSQL's user (uid 65534). Run chmod o+x on that folder, or move DATA_DIR.`;
  return new Failure("forbidden", "store.data_dir", message);
}

function shortHash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
