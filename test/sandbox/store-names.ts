import type { Row, StoreRows } from "./store-rows.ts";

/** Names by which sentences speak of rows, so that no random id gets into them. */
export interface StoreNames {
  identity(id: unknown): string;
}

export function storeNames(rows: StoreRows): StoreNames {
  const identities = new Map(rows.identity.map((row) => [row["id"], identityName(row)]));
  return { identity: (id) => identities.get(id) ?? "nobody" };
}

/** `bsuid IN.44…`, `phone 9155…`, `phone 9155…#wamid` for who moved to that number; ids that Meta made up are left out. */
export function identityName(row: Row): string {
  const key = String(row["key"]).replace(/wamid\..*$/s, "wamid");
  return row["kind"] === "unnamed" ? "unnamed" : `${row["kind"]} ${key}`;
}
