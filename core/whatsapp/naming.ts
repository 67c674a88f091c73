import type { Naming } from "#core/domain/fact.ts";
import { isBsuid, isPhoneDigits } from "#core/domain/identity/phone.ts";
import { given, id, list, object, text, type Wire } from "./wire.ts";

/**
 * Puts ids where they belong, whatever field they came in: a BSUID has been seen in `from` and `wa_id`, empty
 * strings in place of absent fields, a leading "@" or "+" where none belongs (whatsapp.md 3.1).
 */
export function naming(fields: {
  ids: readonly unknown[];
  parents?: readonly unknown[];
  username?: unknown;
  profileName?: unknown;
  group?: unknown;
}): Naming {
  let bsuid: string | undefined;
  let phone: string | undefined;
  for (const id of fields.ids) {
    const value = text(id)?.trim();
    if (value === undefined) continue;
    if (isBsuid(value)) bsuid ??= value;
    else if (isPhoneDigits(value.replace(/^\+/, ""))) phone ??= value.replace(/^\+/, "");
  }
  const parentBsuid = (fields.parents ?? []).map(text).find((value) => value !== undefined && isBsuid(value));
  return given<Naming>({
    bsuid: bsuid ?? parentBsuid,
    parentBsuid,
    phone,
    username: id(fields.username)?.replace(/^@/, "").toLowerCase() || undefined,
    profileName: text(fields.profileName),
    group: id(fields.group),
  });
}

/** The `contacts[]` entry that belongs to these ids; the only one there is belongs to whoever is meant. */
export function contactOf(contacts: unknown, ...ids: unknown[]): Wire {
  const all = list(contacts).map(object);
  const wanted = ids.map(text).filter((id) => id !== undefined);
  const match = all.find((contact) =>
    [contact["wa_id"], contact["user_id"], contact["parent_user_id"]].some((id) => wanted.includes(text(id) ?? " ")),
  );
  if (match) return match;
  return all.length === 1 ? (all[0] as Wire) : object(undefined);
}

/** Naming of the person in a payload that gives ids of its own and a `contacts[]` list beside them. */
export function namingWith(contacts: unknown, ids: readonly unknown[], parents: readonly unknown[] = []): Naming {
  const contact = contactOf(contacts, ...ids, ...parents);
  const profile = object(contact["profile"]);
  return naming({
    ids: [...ids, contact["user_id"], contact["wa_id"]],
    parents: [...parents, contact["parent_user_id"]],
    username: profile["username"] ?? contact["username"],
    profileName: profile["name"],
  });
}
