import { changedColumns, type RowChange } from "./row-changes.ts";
import { quoted } from "./sentence.ts";
import { identityName, type StoreNames } from "./store-names.ts";

export function identityEffects({ before, after }: RowChange): string[] {
  if (!after) return ["identity gone"];
  // The person of an identity is a projection of the edges, which have sentences of their own.
  if (before) return changedColumns(before, after, ["person_id"]).length > 0 ? ["identity changed"] : [];
  return [`identity ${identityName(after)}`];
}

export function attributeEffects({ before, after }: RowChange, names: StoreNames): string[] {
  if (!after) return ["name gone"];
  // First and last sight move with every message: that is no news.
  if (before) return [];
  const value = String(after["value"]);
  const isWords = after["kind"] === "name" || after["kind"] === "address-book-name";
  return [`named ${after["kind"]} ${isWords ? quoted(value) : value}: ${names.identity(after["identity_id"])}`];
}

export function numberChangeEffects({ before, after }: RowChange): string[] {
  return after && !before ? [`moved to phone ${after["phone"]}`] : ["number change changed"];
}

export function edgeEffects({ before, after }: RowChange, names: StoreNames): string[] {
  if (!after) return ["edge gone"];
  const ends = [names.identity(after["identity_a"]), names.identity(after["identity_b"])].sort().join(" = ");
  if (after["closed_at"] === null) return [before ? "edge changed" : `joined ${after["reason"]} ${ends}`];
  return [`edge closed ${after["reason"]} ${ends}: ${after["close_reason"]}`];
}

export function conversationEffects({ before, after }: RowChange, names: StoreNames): string[] {
  if (!after) return ["conversation gone"];
  const effects = before ? [] : ["conversation begun"];
  if ((before?.["last_live_inbound_at"] ?? null) !== after["last_live_inbound_at"])
    effects.push(after["last_live_inbound_at"] === null ? "window taken back" : "window opened");
  if ((before?.["read_through_at"] ?? null) !== after["read_through_at"]) effects.push("conversation read");
  return effects.map((effect) => `${effect}: ${names.identity(after["identity_id"])}`);
}

export function consentEffects({ before, after }: RowChange): string[] {
  if (!after || before) return ["consent entry changed"];
  return [`consent ${after["state"]} ${after["purpose"]} (${after["source"]})`];
}

export function addressBookEffects({ before, after }: RowChange): string[] {
  if (!after) return ["address book entry gone"];
  if (after["is_removed"] === true) return ["address book removed"];
  const verb = before?.["is_removed"] === false ? "changed" : "added";
  return [`address book ${verb} ${quoted(String(after["full_name"] ?? ""))}`];
}
