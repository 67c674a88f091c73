// A process of its own for tests of the embedded server: `node test/support/open-database.ts DATA_DIR [BINARIES]`.
// Opens the database, prints a line with the server's pid and what was logged, and closes in order at the end of its input.
import { makeLog } from "#core/kit/log.ts";
import { openDatabase } from "#core/store/database.ts";

const [dataDir = "", binaries] = process.argv.slice(2);
const logged: string[] = [];
const log = makeLog("info", { write: (line) => logged.push(JSON.parse(line).msg) });
const database = await openDatabase({ dataDir, binaries, log });

process.stdout.write(`${JSON.stringify({ postgresPid: database.embedded?.server().pid, logged })}\n`);
process.stdin.resume();
process.stdin.once("end", () => void database.end());
