import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Tx } from "#core/store/transaction.ts";
import { type Bench, missedOf } from "./bench.ts";
import { type BenchDatabase, withBenchDatabase } from "./bench-database.ts";
import type { LongStore } from "./data/long-store.ts";
import { DELIVERIES, insertPipelineRows } from "./data/pipeline-rows.ts";
import { type Explained, explainStatement } from "./explain.ts";
import { hotStatements } from "./hot-statements.ts";
import { rounded } from "./statistics.ts";
import { fill, LONG } from "./timeline.ts";

const README = path.join(import.meta.dirname, "../../core/store/README.md");
const HEADING = "## Query plans on 10 M rows";

/** Small enough to be read from end to end: an index would not help. */
const SMALL_TABLES = new Set(["delivery_writer", "workspace", "business_number", "waba", "install", "lane", "place"]);

interface Row {
  name: string;
  about: string;
  explained: Explained;
}

/** No benchmark of time: shows by which index each hot statement finds its rows, and writes it into the store's README. */
export const plans: Bench = {
  about: `explains the hot statements on ${LONG} messages, and writes ${path.basename(README)} of the store; about 4 minutes`,

  run: (say) =>
    withBenchDatabase(async (database) => {
      const store = await fill(database, LONG, say);
      const { writerId } = await insertPipelineRows(database.owner);
      const rows = await explainAll(database, store, writerId);
      for (const { name, explained } of rows) say(`${name}: ${lineOf(explained)}`);
      writeSection(rows);
      const scans = rows.flatMap(({ name, explained }) =>
        explained.scanned.filter((table) => !SMALL_TABLES.has(table)).map((table) => `${name} reads all of ${table}`),
      );
      return {
        figures: { statements: rows.length, scans: scans.length },
        missed: missedOf(scans.map((scan) => [false, scan])),
      };
    }),
};

async function explainAll(database: BenchDatabase, store: LongStore, writerId: number): Promise<Row[]> {
  const rows: Row[] = [];
  for (const { name, about, role, work } of hotStatements(store, writerId)) {
    const setting = role === "app" ? "app.workspace_id" : "app.workspace_ids";
    const ids = store.workspaces.map(({ workspaceId }) => workspaceId);
    const value = role === "app" ? (ids[0] as string) : `{${ids.join()}}`;
    const explained = await rolledBack(database, role, async (tx) => {
      await tx.query("select set_config($1, $2, true)", [setting, value]);
      return explainStatement(tx, name, work);
    });
    rows.push({ name, about, explained });
  }
  return rows;
}

async function rolledBack<T>(
  database: BenchDatabase,
  role: "app" | "worker",
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const client = await database[role].connect();
  try {
    await client.query("begin");
    return await work(client);
  } finally {
    await client.query("rollback");
    client.release();
  }
}

/** Everything under the heading is made; what stands before it is written by people. */
function writeSection(rows: readonly Row[]): void {
  const section = [
    HEADING,
    "",
    `Made by \`npm run bench -- plans\`: ${LONG / 1e6} M messages of 300 workspaces, ${DELIVERIES} deliveries, as the role that asks, under`,
    "row-level security and with the settings of its pool. Pages of 8 KB, most of them outside PostgreSQL's own cache.",
    "",
    ...rows.map(({ name, about, explained }) => `- ${name}, ${about}: ${lineOf(explained)}`),
    "",
  ];
  const [written = ""] = readFileSync(README, "utf8").split(HEADING);
  writeFileSync(README, `${written.trimEnd()}\n\n${section.join("\n")}`);
}

function lineOf({ joins, indexes, buffers, ms }: Explained): string {
  return `${joins.join(", ")} by ${indexes.join(", ")}; ${buffers} pages, ${rounded(ms)} ms`;
}
