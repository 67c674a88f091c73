import * as accounts from "./effects-of-accounts.ts";
import * as messages from "./effects-of-messages.ts";
import * as people from "./effects-of-people.ts";
import { changedColumns, type RowChange, rowChanges } from "./row-changes.ts";
import { type StoreNames, storeNames } from "./store-names.ts";
import { STORE_TABLES, type StoreRows, type StoreTable } from "./store-rows.ts";

interface Teller {
  key: readonly string[];
  tell(change: RowChange, names: StoreNames): string[];
}

const ofMessage = ["workspace_id", "message_id"];

/** Tables with sentences of their own. Any other is told by its name, so that no effect goes unseen. */
const tellers: Partial<Record<StoreTable, Teller>> = {
  identity: { key: ["workspace_id", "portfolio_key", "kind", "key"], tell: people.identityEffects },
  identity_attribute: { key: ["workspace_id", "identity_id", "kind", "value"], tell: people.attributeEffects },
  number_change: { key: ["workspace_id", "wamid"], tell: people.numberChangeEffects },
  person_edge: { key: ["workspace_id", "id"], tell: people.edgeEffects },
  conversation: { key: ["workspace_id", "number_id", "identity_id"], tell: people.conversationEffects },
  message: { key: ["workspace_id", "number_id", "wamid"], tell: messages.messageEffects },
  message_status: { key: [...ofMessage, "status", "participant"], tell: messages.statusEffects },
  charge: { key: ofMessage, tell: messages.chargeEffects },
  message_edit: { key: [...ofMessage, "edit_wamid"], tell: messages.editEffects },
  message_reaction: { key: [...ofMessage, "reaction_wamid"], tell: messages.reactionEffects },
  message_removal: {
    key: ["workspace_id", "conversation_id", "message_id"],
    tell: byName("message removed elsewhere"),
  },
  consent_entry: { key: ["workspace_id", "id"], tell: people.consentEffects },
  address_book_entry: { key: ["workspace_id", "number_id", "key"], tell: people.addressBookEffects },
  history_chunk: { key: ["workspace_id", "number_id", "phase", "chunk_order"], tell: accounts.historyChunkEffects },
  account_event: { key: ["workspace_id", "digest"], tell: accounts.accountEventEffects },
  account_fact: { key: ["workspace_id", "object_type", "object_id", "aspect"], tell: accounts.accountFactEffects },
  kept_change: { key: ["workspace_id", "delivery_id", "change", "position"], tell: accounts.keptEffects },
  parked_item: { key: ["id"], tell: accounts.parkedEffects },
  unrouted_change: { key: ["id"], tell: accounts.unroutedEffects },
  crm_write: { key: ["workspace_id", "install_id", "message_id"], tell: byName("crm write") },
  record_link: { key: ["workspace_id", "install_id", "identity_id", "record_type"], tell: byName("record link") },
  audit_entry: { key: ["workspace_id", "id"], tell: byName("audit entry") },
  business_number: { key: ["workspace_id", "id"], tell: byName("number") },
  waba: { key: ["workspace_id", "waba_id"], tell: byName("waba") },
  workspace: { key: ["workspace_id"], tell: byName("workspace") },
};

/** What a delivery did, as short sentences: the difference of the store before and after it, free of random ids. */
export function effects(before: StoreRows, after: StoreRows): string[] {
  const names = storeNames(after);
  return STORE_TABLES.flatMap((table) => {
    const { key, tell } = tellers[table] ?? { key: ["workspace_id", "id"], tell: byName(table) };
    return rowChanges(before[table], after[table], key)
      .flatMap((change) => tell(change, names))
      .sort();
  });
}

function byName(name: string): Teller["tell"] {
  return ({ before, after }) => {
    if (!before) return [`${name} added`];
    return [after ? `${name} changed: ${changedColumns(before, after).join(", ")}` : `${name} gone`];
  };
}
