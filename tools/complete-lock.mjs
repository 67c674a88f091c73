// Adds the other platforms' optional packages that npm left out of package-lock.json.
// A registry that lacks some platform packages makes npm drop them, and then `npm ci` refuses the lock file.
import { readFileSync, writeFileSync } from "node:fs";

const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
const added = [];
for (const [path, parent] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(parent.optionalDependencies ?? {})) {
    const homes = [`${path}/node_modules/${name}`, `node_modules/${name}`];
    if (path === "" ? lock.packages[homes[1]] : homes.some((home) => lock.packages[home])) continue;
    const os = /android|darwin|freebsd|netbsd|openbsd|openharmony|sunos|aix|win32|windows|linux/.exec(name)?.[0];
    const cpu = /arm64|arm|x64|ia32|ppc64|riscv64|s390x|loong64|mips64el/.exec(name)?.[0];
    const version = /^\^?(\d+\.\d+\.\d+.*)$/.exec(range)?.[1];
    if (!os || !cpu || !version) throw new Error(`${name}@${range}: cannot tell its platform`);
    const libc = os === "linux" ? [name.includes("musl") ? "musl" : "glibc"] : undefined;
    lock.packages[`node_modules/${name}`] = { version, cpu: [cpu], dev: parent.dev, libc, optional: true, os: [os] };
    added.push(`${name}@${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => a.localeCompare(b, "en"))); // "" stays first
writeFileSync("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added.length} entries added`, added.join(" "));
