import { describe, expect, test } from "vitest";
import { effects } from "#test/sandbox/effects.ts";
import { noRows, type Row, type StoreRows, type StoreTable } from "#test/sandbox/store-rows.ts";

const asha: Row = { workspace_id: "w", id: "i1", portfolio_key: "p", kind: "bsuid", key: "IN.1", person_id: "i1" };
const phone: Row = {
  workspace_id: "w",
  id: "i2",
  portfolio_key: "p",
  kind: "phone",
  key: "915550010001",
  person_id: "i1",
};

const message: Row = {
  ...{ workspace_id: "w", number_id: 1, wamid: "wamid.1", id: 7, version: 1, received_at: "2026-11-16T05:00:00Z" },
  ...{ conversation_id: "c", identity_id: "i1", sent_at: "2026-11-16T04:00:00Z", quoted_wamid: null },
  ...{ direction: "in", origin: "customer", origin_id: null, type: "text", body: "Is it open?", content: null },
  ...{ opens_window: true, base_rank: 4, content_rank: 5, status_rank: 0, failure_code: null },
  ...{ edited_at: null, edit_wamid: null, edited_body: null, edited_content: null, revoked_at: null },
};
const skeleton: Row = {
  ...{ ...message, conversation_id: null, identity_id: null, sent_at: null, base_rank: 0, content_rank: 0 },
  ...{ direction: null, origin: null, type: null, body: null },
};

const status: Row = {
  ...{ workspace_id: "w", message_id: 7, status: "delivered", participant: "", occurred_at: "2026-11-16T04:00:00Z" },
  ...{ pricing_type: null, pricing_category: null, pricing_model: null, billable: null, errors: null },
};

const store = (rows: Partial<Record<StoreTable, Row[]>> = {}): StoreRows => ({ ...noRows(), ...rows });
const came = (rows: Partial<Record<StoreTable, Row[]>>) => effects(store(), store(rows));
const became = (table: StoreTable, before: Row, change: Row) =>
  effects(store({ [table]: [before] }), store({ [table]: [{ ...before, ...change }] }));

test("a store that did not change has no effects, whatever order its rows are read in", () => {
  const before = store({ identity: [asha, phone], message: [message] });
  const after = store({ identity: [phone, asha], message: [message] });

  expect(effects(before, after)).toEqual([]);
});

describe("messages", () => {
  test("a new message is told by direction, type, origin, its words and the parts of its content", () => {
    const picture = {
      ...message,
      type: "image",
      content: { media: { id: "5" }, forwarded: "once" },
      quoted_wamid: "wamid.0",
    };

    expect(came({ message: [message] })).toEqual(['message in text customer "Is it open?"']);
    expect(came({ message: [picture] })).toEqual(['message in image customer "Is it open?" +forwarded +media +quote']);
  });

  test("long words are cut between characters, and hidden ones are shown", () => {
    const emoji = { ...message, body: "🙂".repeat(50) };
    const hostile = { ...message, body: "a\u202eb\u0000c\ufffd" };

    expect(came({ message: [emoji] })).toEqual([`message in text customer "${"🙂".repeat(39)}…"`]);
    expect(came({ message: [hostile] })).toEqual(['message in text customer "a\\u202eb\\u0000c\\ufffd"']);
  });

  test("a message that has no conversation says so, since nobody would see it", () => {
    const homeless = { ...message, conversation_id: null };

    expect(came({ message: [homeless] })).toEqual(['message in text customer "Is it open?" without a conversation']);
  });

  test("a skeleton tells its direction when it is known, and is told of again when it is filled", () => {
    expect(came({ message: [skeleton] })).toEqual(["skeleton"]);
    expect(came({ message: [{ ...skeleton, direction: "out" }] })).toEqual(["skeleton out"]);
    expect(became("message", skeleton, message)).toEqual(['message in text customer "Is it open?" (was a skeleton)']);
  });

  test("a changed message names its changed columns, but not how sure we are of them", () => {
    const better = { body: "Is it open today?", type: "button", content_rank: 6, base_rank: 5, version: 9 };

    expect(became("message", message, better)).toEqual(["message changed: body, type"]);
    expect(became("message", message, { version: 2, received_at: "2026-11-16T04:30:00Z" })).toEqual([]);
  });

  test("ticks are told when what is shown changes, with the code of a failure", () => {
    const sent = { ...message, status_rank: 2 };

    expect(became("message", sent, { status_rank: 5 })).toEqual(["shown status read"]);
    expect(became("message", sent, { status_rank: 3, failure_code: 131026 })).toEqual(["shown status failed 131026"]);
    expect(became("message", sent, { failure_code: 131026 })).toEqual(["failure code 131026"]);
  });

  test("edits, deletions and reactions are told in a word", () => {
    const edit = { workspace_id: "w", message_id: 7, edit_wamid: "wamid.2", body: "Open now?" };
    const reaction = { workspace_id: "w", message_id: 7, reaction_wamid: "wamid.3", reactor: "i1", emoji: "👍" };

    expect(came({ message_edit: [edit] })).toEqual(['edit "Open now?"']);
    expect(became("message", message, { edit_wamid: "wamid.2", edited_body: "Open now?" })).toEqual([
      'shown edit "Open now?"',
    ]);
    expect(became("message", message, { revoked_at: "2026-11-16T06:00:00Z" })).toEqual(["revoke"]);
    expect(came({ message_reaction: [reaction] })).toEqual(["reaction 👍"]);
    expect(became("message_reaction", reaction, { emoji: null })).toEqual(["reaction taken back"]);
    expect(came({ message_reaction: [{ ...reaction, reactor: "business" }] })).toEqual(["reaction 👍 of business"]);
  });

  test("a status is told with its failure and a group's participant, a charge with type and category", () => {
    const failed = { ...status, status: "failed", errors: [{ code: 131047 }] };
    const charge = {
      workspace_id: "w",
      message_id: 7,
      status_rank: 5,
      pricing_type: "regular",
      pricing_category: "utility",
    };

    expect(came({ message_status: [status] })).toEqual(["status delivered"]);
    expect(came({ message_status: [failed] })).toEqual(["status failed 131047"]);
    expect(came({ message_status: [{ ...status, participant: "IN.1" }] })).toEqual([
      "status delivered of a participant",
    ]);
    expect(became("message_status", status, { pricing_type: "regular" })).toEqual([
      "status delivered changed: pricing_type",
    ]);
    expect(came({ charge: [charge] })).toEqual(["charge regular/utility"]);
    expect(became("charge", charge, { status_rank: 4 })).toEqual(["charge changed regular/utility"]);
  });
});

describe("people", () => {
  test("identities are told by their key, without the wamid or the random parts of it", () => {
    const moved = { ...phone, id: "i3", key: "915550010001#wamid.HBgM" };
    const nobody = { ...phone, id: "i4", kind: "unnamed", key: "wamid.HBgM" };

    expect(came({ identity: [asha, phone, moved, nobody] })).toEqual([
      "identity bsuid IN.1",
      "identity phone 915550010001",
      "identity phone 915550010001#wamid",
      "identity unnamed",
    ]);
  });

  test("a join and its undoing name both ends in the same order", () => {
    const edge = {
      ...{ workspace_id: "w", id: "e", identity_a: "i2", identity_b: "i1", reason: "shown-together" },
      ...{ closed_at: null, close_reason: null },
    };
    const known = { identity: [asha, phone] };

    expect(effects(store(known), store({ ...known, person_edge: [edge] }))).toEqual([
      "joined shown-together bsuid IN.1 = phone 915550010001",
    ]);
    const closed = { ...edge, closed_at: "2026-11-16T06:00:00Z", close_reason: "a mistake" };
    expect(effects(store({ ...known, person_edge: [edge] }), store({ ...known, person_edge: [closed] }))).toEqual([
      "edge closed shown-together bsuid IN.1 = phone 915550010001: a mistake",
    ]);
  });

  test("a name is told once with whose it is; being seen again is no news", () => {
    const name = { workspace_id: "w", identity_id: "i1", kind: "name", value: "Asha", last_seen_at: "2026-11-16" };
    const before = store({ identity: [asha], identity_attribute: [name] });
    const seenAgain = store({ identity: [asha], identity_attribute: [{ ...name, last_seen_at: "2026-11-17" }] });

    expect(effects(store({ identity: [asha] }), before)).toEqual(['named name "Asha": bsuid IN.1']);
    expect(effects(before, seenAgain)).toEqual([]);
  });

  test("a window is told when it opens and when it is taken back", () => {
    const opened = {
      ...{ workspace_id: "w", id: "c", number_id: 1, identity_id: "i1" },
      ...{ last_live_inbound_at: "2026-11-16T04:00:00Z", read_through_at: null },
    };
    const known = { identity: [asha] };
    const closed = { ...opened, last_live_inbound_at: null };

    expect(effects(store(known), store({ ...known, conversation: [opened] }))).toEqual([
      "conversation begun: bsuid IN.1",
      "window opened: bsuid IN.1",
    ]);
    expect(effects(store({ ...known, conversation: [opened] }), store({ ...known, conversation: [closed] }))).toEqual([
      "window taken back: bsuid IN.1",
    ]);
  });

  test("the phone book tells added, changed and removed", () => {
    const entry = { workspace_id: "w", number_id: 1, key: "915550010001", full_name: "Asha", is_removed: false };

    expect(came({ address_book_entry: [entry] })).toEqual(['address book added "Asha"']);
    expect(became("address_book_entry", entry, { full_name: "Asha M" })).toEqual(['address book changed "Asha M"']);
    expect(became("address_book_entry", entry, { is_removed: true })).toEqual(["address book removed"]);
  });
});

describe("accounts and the rest", () => {
  test("the same fact said again later is no news", () => {
    const fact = {
      ...{ workspace_id: "w", object_type: "waba", object_id: "12", aspect: "link" },
      ...{ value: { state: "linked", by: "x" }, occurred_at: "2026-11-16" },
    };

    expect(came({ account_fact: [fact] })).toEqual(['account waba 12 link={"by":"x","state":"linked"}']);
    expect(became("account_fact", fact, { occurred_at: "2026-11-17" })).toEqual([]);
  });

  test("what is kept, parked or waiting is told with its reason", () => {
    const kept = { workspace_id: "w", delivery_id: 1, change: 0, position: 0, field: "holograms", reason: "unknown" };

    expect(came({ kept_change: [kept] })).toEqual(["kept holograms: unknown"]);
    expect(came({ parked_item: [{ id: 1, reason: "not JSON" }] })).toEqual(["parked: not JSON"]);
    expect(came({ unrouted_change: [{ id: 1 }] })).toEqual(["unrouted"]);
  });

  test("a table without sentences of its own is told by its name, so that nothing goes unseen", () => {
    const write = { workspace_id: "w", install_id: "n", message_id: 7, state: "pending" };

    expect(came({ crm_write: [write] })).toEqual(["crm write added"]);
    expect(became("crm_write", write, { state: "written" })).toEqual(["crm write changed: state"]);
    expect(effects(store({ send: [{ workspace_id: "w", id: "s" }] }), store())).toEqual(["send gone"]);
  });
});
