import type { Period } from "#core/domain/period.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

export interface WabaRoute extends Period {
  workspaceId: string;
  wabaId: string;
}

export interface NumberRoute extends WabaRoute {
  numberId: string;
}

/** Whose numbers these are and were, by Meta's phone number id. Read anew for each batch: a number may have moved. */
export async function routesOfNumbers(tx: Tx, phoneNumberIds: readonly string[]): Promise<Map<string, NumberRoute[]>> {
  if (phoneNumberIds.length === 0) return new Map();
  const { rows } = await tx.query(sql.named("routes-of-numbers")`
    select phone_number_id as key, workspace_id as "workspaceId", number_id as "numberId", waba_id as "wabaId", since, until
    from routes_of_numbers(${phoneNumberIds}::text[])`);
  return byKey<NumberRoute>(rows);
}

export async function routesOfWabas(tx: Tx, wabaIds: readonly string[]): Promise<Map<string, WabaRoute[]>> {
  if (wabaIds.length === 0) return new Map();
  const { rows } = await tx.query(sql.named("routes-of-wabas")`
    select waba_id as key, workspace_id as "workspaceId", waba_id as "wabaId", since, until
    from routes_of_wabas(${wabaIds}::text[])`);
  return byKey<WabaRoute>(rows);
}

/** By printed number, for the few webhooks that name neither a phone number id nor a WABA of ours. */
export async function routesOfPhones(tx: Tx, phones: readonly string[]): Promise<Map<string, NumberRoute[]>> {
  if (phones.length === 0) return new Map();
  const { rows } = await tx.query(sql.named("routes-of-phones")`
    select display_phone as key, workspace_id as "workspaceId", number_id as "numberId", waba_id as "wabaId", since, until
    from routes_of_phones(${phones}::text[])`);
  return byKey<NumberRoute>(rows);
}

function byKey<Route>(rows: readonly (Route & { key: string })[]): Map<string, Route[]> {
  return Map.groupBy(rows, (row) => row.key);
}
