import pg from "pg";
import type { Statement } from "#core/store/sql.ts";
import type { Tx } from "#core/store/transaction.ts";

/** A node of `explain (format json)`, as far as it is read here. */
export interface PlanNode {
  "Node Type": string;
  "Relation Name"?: string;
  "Index Name"?: string;
  /** Of a node that writes. */
  Operation?: string;
  Plans?: PlanNode[];
}

export interface Explained {
  /** `Update message`, `Nested Loop`. */
  joins: string[];
  indexes: string[];
  /** Tables that were read from end to end. */
  scanned: string[];
  /** Pages touched, whether they were in PostgreSQL's cache or not. */
  buffers: number;
  ms: number;
}

interface Captured {
  text: string;
  values: unknown[];
}

/**
 * Runs `work` once, takes the statement of that name out of it with its values, and explains it under the settings of
 * its role. Leaves nothing: whatever was written is rolled back.
 */
export async function explainStatement(tx: Tx, name: string, work: (tx: Tx) => Promise<unknown>): Promise<Explained> {
  await tx.query("savepoint before");
  const captured = await capture(tx, name, work);
  await tx.query("rollback to savepoint before");
  await tx.query(`prepare explained as ${captured.text}`);
  const literals = captured.values.map(literalOf).join(", ");
  const explain = `explain (analyze, buffers, format json) execute explained(${literals})`;
  // Once for the caches, once for the figures.
  await tx.query(explain);
  await tx.query("rollback to savepoint before");
  const { rows } = await tx.query(explain);
  await tx.query("rollback to savepoint before; deallocate explained");
  return readExplain(rows[0]["QUERY PLAN"][0]);
}

async function capture(tx: Tx, name: string, work: (tx: Tx) => Promise<unknown>): Promise<Captured> {
  let captured: Captured | undefined;
  const query = (statement: Statement | string) => {
    if (typeof statement !== "string" && statement.name === name) captured = statement;
    return tx.query(statement);
  };
  await work({ query } as unknown as Tx);
  if (!captured) throw new RangeError(`No statement "${name}" was asked.`);
  return captured;
}

/** A value as it stands in SQL text; the statement casts it. */
export function literalOf(value: unknown): string {
  if (value === null || value === undefined) return "null";
  return pg.escapeLiteral(Array.isArray(value) ? arrayOf(value) : plainOf(value));
}

function arrayOf(values: readonly unknown[]): string {
  const quoted = (value: unknown) => `"${plainOf(value).replace(/["\\]/g, "\\$&")}"`;
  return `{${values.map((value) => (value === null || value === undefined ? "null" : quoted(value))).join()}}`;
}

function plainOf(value: unknown): string {
  return value instanceof Date ? value.toISOString() : String(value);
}

interface ExplainJson {
  Plan: PlanNode & { "Shared Hit Blocks": number; "Shared Read Blocks": number };
  "Execution Time": number;
}

export function readExplain({ Plan: plan, "Execution Time": ms }: ExplainJson): Explained {
  const buffers = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"];
  return { joins: joinsIn(plan), indexes: indexesIn(plan), scanned: scannedIn(plan), buffers, ms };
}

/** How rows meet, and which index leads to them, each once and in the plan's order; what only passes rows on is left out. */
function joinsIn(node: PlanNode): string[] {
  const kind = node["Node Type"];
  const own = kind === "ModifyTable" ? [`${node.Operation} ${node["Relation Name"]}`] : JOINS.has(kind) ? [kind] : [];
  return [...new Set([...own, ...(node.Plans ?? []).flatMap(joinsIn)])];
}

const JOINS = new Set(["Nested Loop", "Hash Join", "Merge Join", "Recursive Union", "WindowAgg", "Sort"]);

function indexesIn(node: PlanNode): string[] {
  const own = node["Index Name"] === undefined ? [] : [node["Index Name"]];
  return [...new Set([...own, ...(node.Plans ?? []).flatMap(indexesIn)])];
}

function scannedIn(node: PlanNode): string[] {
  const own = node["Node Type"] === "Seq Scan" && node["Relation Name"] ? [node["Relation Name"]] : [];
  return [...own, ...(node.Plans ?? []).flatMap(scannedIn)];
}
