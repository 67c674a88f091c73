import type { AddressBookFact, HistoryChunkFact } from "#core/domain/fact.ts";
import { canonicalPhone } from "#core/domain/identity/phone.ts";
import { sql } from "./sql.ts";
import type { Tx } from "./transaction.ts";

/** Keeps the newest word of the owner's phone book about one contact; a removal is a word too. */
export async function joinAddressBook(
  tx: Tx,
  workspaceId: string,
  numberId: string,
  fact: AddressBookFact,
): Promise<void> {
  const key = fact.phone === undefined ? (fact.bsuid as string) : canonicalPhone(fact.phone);
  await tx.query(sql.named("join-address-book")`
    insert into address_book_entry as a (workspace_id, number_id, key, phone, bsuid, username, full_name, first_name,
      is_removed, changed_at)
    values (${workspaceId}, ${numberId}, ${key}, ${fact.phone ?? null}, ${fact.bsuid ?? null}, ${fact.username ?? null},
      ${fact.fullName ?? null}, ${fact.firstName ?? null}, ${fact.isRemoved}, ${fact.changedAt})
    on conflict (workspace_id, number_id, key) do update
      set phone = excluded.phone, bsuid = excluded.bsuid, username = excluded.username, full_name = excluded.full_name,
        first_name = excluded.first_name, is_removed = excluded.is_removed, changed_at = excluded.changed_at
      where (excluded.changed_at, excluded.is_removed, coalesce(excluded.full_name, ''))
        > (a.changed_at, a.is_removed, coalesce(a.full_name, ''))`);
}

export async function insertHistoryChunk(
  tx: Tx,
  workspaceId: string,
  numberId: string,
  fact: HistoryChunkFact,
  receivedAt: Date,
): Promise<void> {
  await tx.query(sql.named("insert-history-chunk")`
    insert into history_chunk (workspace_id, number_id, phase, chunk_order, progress, messages, received_at)
    values (${workspaceId}, ${numberId}, ${fact.phase}, ${fact.chunkOrder}, ${fact.progress ?? null}, ${fact.messages}, ${receivedAt})
    on conflict (workspace_id, number_id, phase, chunk_order) do nothing`);
}
