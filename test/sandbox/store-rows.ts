import type pg from "pg";

export type Row = Readonly<Record<string, unknown>>;

/** The rows of every table that a delivery may change, as JSON shows them. */
export type StoreRows = Readonly<Record<StoreTable, readonly Row[]>>;

export const STORE_TABLES = [
  ...["workspace", "waba", "business_number", "install"],
  ...["identity", "identity_attribute", "number_change", "person_edge", "conversation"],
  ...["message", "message_status", "charge", "message_edit", "message_reaction", "message_removal"],
  ...["consent_entry", "address_book_entry", "history_chunk", "account_event", "account_fact", "kept_change"],
  ...["send", "record_link", "crm_write", "audit_entry", "parked_item", "unrouted_change"],
] as const;

export type StoreTable = (typeof STORE_TABLES)[number];

/** Takes the owner's pool, which sees every workspace. */
export function readStoreRows(owner: pg.Pool): Promise<StoreRows> {
  return readTables(owner, STORE_TABLES);
}

/** One statement, so that all tables are read at the same moment. */
export async function readTables<T extends StoreTable>(
  owner: pg.Pool,
  tables: readonly T[],
): Promise<Record<T, readonly Row[]>> {
  const parts = tables.map((table) => `'${table}', (select coalesce(jsonb_agg(to_jsonb(t)), '[]') from ${table} t)`);
  const { rows } = await owner.query(`select jsonb_build_object(${parts.join(", ")}) as store`);
  return rows[0].store;
}

export function noRows(): StoreRows {
  return Object.fromEntries(STORE_TABLES.map((table) => [table, []])) as unknown as StoreRows;
}
