import type { AccountFact, AccountObject, Fact } from "#core/domain/fact.ts";
import type { Change } from "./delivery.ts";
import { id, list, moment, number, object, text, type Wire } from "./wire.ts";

type Aspect = AccountFact["aspects"][number];

interface Event {
  object: AccountObject;
  objectId: string;
  event?: string;
  aspects: Aspect[];
}
type Reader = (value: Wire, wabaId: string, at: Date) => Event;

const linkStates: Readonly<Record<string, string>> = {
  PARTNER_ADDED: "linked",
  PARTNER_APP_INSTALLED: "linked",
  ACCOUNT_RECONNECTED: "linked",
  PARTNER_APP_UNINSTALLED: "uninstalled",
  PARTNER_REMOVED: "removed",
  ACCOUNT_OFFBOARDED: "offboarded",
  ACCOUNT_DELETED: "deleted",
};

/** One reader for each account field of whatsapp.md 1.10 and 4.6; each says which aspect of which object it settles. */
const readers: Readonly<Record<string, Reader>> = {
  account_update: readAccountUpdate,
  account_alerts: readAccountAlert,
  account_review_update: (value, wabaId, at) => one("waba", wabaId, "review", text(value["decision"]) ?? value, at),
  business_capability_update: readCapability,
  phone_number_quality_update: readNumberQuality,
  phone_number_name_update: (value, _waba, at) => one("number", numberOf(value), "name", value, at),
  business_username_updates: (value, _waba, at) => one("number", numberOf(value), "username", value, at),
  business_username_update: (value, _waba, at) => one("number", numberOf(value), "username", value, at),
  message_template_status_update: readTemplateStatus,
  message_template_quality_update: readTemplateQuality,
  message_template_components_update: (value, _waba, at) => one("template", templateOf(value), "components", value, at),
  template_category_update: readTemplateCategory,
};

export function isAccountField(field: string): boolean {
  return Object.hasOwn(readers, field);
}

/** Account webhooks carry `entry.time`; they may be late or doubled, so each aspect keeps its own newest word. */
export function readAccount(change: Change, receivedAt: Date): Fact[] {
  const { field, value } = change;
  const at = moment(change.entryTime, receivedAt);
  const read = readers[field] as Reader;
  const { object: kind, objectId, event, aspects } = read(value, wabaOf(change) ?? "", at);
  const fact: AccountFact = { kind: "account", object: kind, objectId, field, payload: value, occurredAt: at, aspects };
  if (event !== undefined) fact.event = event;
  return [fact];
}

/** The tenant's WABA: `waba_info` first, because `entry.id` may be the partner's business (whatsapp.md 1.10). */
export function wabaOf({ value, entryId }: Change): string | undefined {
  return id(object(value["waba_info"])["waba_id"]) ?? entryId;
}

/** An error Meta puts beside, not inside, a message: about the number as a whole. */
export function readValueError(error: Wire, phoneNumberId: string, receivedAt: Date): Fact {
  const code = String(number(error["code"]) ?? "unknown");
  const read = one("number", phoneNumberId, `error:${code}`, error, receivedAt);
  return { kind: "account", field: "messages", event: code, payload: error, occurredAt: receivedAt, ...read };
}

/** The owner does not share the history of the phone (2593109). */
export function readHistoryRefusal(error: Wire, phoneNumberId: string, receivedAt: Date): Fact {
  const code = String(number(error["code"]) ?? "unknown");
  const read = one("number", phoneNumberId, "history", { state: "declined", code }, receivedAt);
  return { kind: "account", field: "history", event: code, payload: error, occurredAt: receivedAt, ...read };
}

function one(kind: AccountObject, objectId: string, aspect: string, value: unknown, at: Date, event?: string): Event {
  const aspects: Aspect[] = [{ object: kind, objectId, aspect, value, at, keep: "newest" }];
  return { object: kind, objectId, aspects, ...(event === undefined ? {} : { event }) };
}

/** Webhooks that know a number only as printed: the store looks up which of ours it is. */
function numberOf(value: Wire): string {
  return `phone:${(id(value["display_phone_number"]) ?? "").replace(/\D/g, "")}`;
}

function templateOf(value: Wire): string {
  return (
    id(value["message_template_id"]) ??
    `${id(value["message_template_name"])}/${id(value["message_template_language"])}`
  );
}

function readAccountUpdate(value: Wire, wabaId: string, at: Date): Event {
  const event = id(value["event"]) ?? "unknown";
  const link = Object.hasOwn(linkStates, event) ? linkStates[event] : undefined;
  const result = one("waba", wabaId, `event:${event}`, value, at, event);
  if (link) {
    const why = object(value["disconnection_info"]);
    result.aspects = one(
      "waba",
      wabaId,
      "link",
      { state: link, reason: why["reason"], initiatedBy: why["initiated_by"], phone: value["phone_number"] },
      at,
    ).aspects;
  } else if (event === "ACCOUNT_RESTRICTION") {
    result.aspects = list(value["restriction_info"])
      .map(object)
      .flatMap((it) => one("waba", wabaId, `restriction:${id(it["restriction_type"]) ?? "unknown"}`, it, at).aspects);
  } else if (event === "DISABLED_UPDATE") {
    result.aspects = one("waba", wabaId, "ban", value["ban_info"] ?? value, at).aspects;
  } else if (event === "VOLUME_BASED_PRICING_TIER_UPDATE") {
    result.aspects = [readTier(object(value["volume_tier_info"]), wabaId, at)];
  }
  return result;
}

/** The same tier is reported more than once: it holds since the smallest time (whatsapp.md 6.4). */
function readTier(tier: Wire, wabaId: string, at: Date): Aspect {
  const parts = [tier["effective_month"], tier["region"], tier["pricing_category"], tier["tier"]].map(
    (part) => id(part) ?? "",
  );
  return {
    object: "waba",
    objectId: wabaId,
    aspect: `volume-tier:${parts.join("/")}`,
    value: tier,
    at: moment(tier["tier_update_time"], at),
    keep: "oldest",
  };
}

const alertObjects: Readonly<Record<string, AccountObject>> = {
  BUSINESS: "portfolio",
  PHONE_NUMBER: "number",
  WABA: "waba",
};

function readAccountAlert(value: Wire, wabaId: string, at: Date): Event {
  const entity = text(value["entity_type"]) ?? "";
  const known = Object.hasOwn(alertObjects, entity) ? alertObjects[entity] : undefined;
  const alert = object(value["alert_info"]);
  // Older webhooks print the alert's keys beside entity_type.
  const type = id(alert["alert_type"]) ?? id(value["alert_type"]) ?? "unknown";
  const objectId = (known && id(value["entity_id"])) ?? wabaId; // an entity of another kind is told of on its WABA
  return one(known ?? "waba", objectId, `alert:${type}`, value, at, type);
}

/** Sent as a number (-1 for none) or as TIER_…: both are read, both are kept as they came. */
export function messagingLimit(value: unknown): number | "unlimited" | undefined {
  const named = /^TIER_(?:(\d+)(K?)|UNLIMITED)$/.exec(text(value) ?? "");
  if (named) return named[1] === undefined ? "unlimited" : Number(named[1]) * (named[2] ? 1000 : 1);
  const plain = number(value);
  return plain === -1 ? "unlimited" : plain;
}

function readCapability(value: Wire, wabaId: string, at: Date): Event {
  const given = value["max_daily_conversations_per_business"];
  const result = one("waba", wabaId, "capability", value, at);
  if (given !== undefined)
    result.aspects.push(...one("waba", wabaId, "messaging-limit", { limit: messagingLimit(given), given }, at).aspects);
  return result;
}

function readNumberQuality(value: Wire, _wabaId: string, at: Date): Event {
  const event = id(value["event"]);
  const number = numberOf(value);
  const result = one("number", number, "quality-event", value, at, event);
  const given = value["max_daily_conversations_per_business"] ?? value["current_limit"];
  if (given !== undefined)
    result.aspects.push(
      ...one("number", number, "messaging-limit", { limit: messagingLimit(given), given }, at).aspects,
    );
  if (event === "THROUGHPUT_UPGRADE") result.aspects.push(...one("number", number, "throughput", "high", at).aspects);
  return result;
}

function readTemplateStatus(value: Wire, wabaId: string, at: Date): Event {
  // Meta's page printed this field for the quality payload: the keys decide (whatsapp.md 4.6).
  if (value["new_quality_score"] !== undefined) return readTemplateQuality(value, wabaId, at);
  const template = templateOf(value);
  const event = id(value["event"]) ?? "unknown";
  const result = one(
    "template",
    template,
    "status",
    {
      status: event,
      reason: value["reason"] ?? null,
      info: value["other_info"] ?? value["disable_info"] ?? value["rejection_info"] ?? null,
    },
    at,
    event,
  );
  const category = text(value["message_template_category"]);
  if (category !== undefined) result.aspects.push(...one("template", template, "category", category, at).aspects);
  result.aspects.push(...one("template", template, "name", nameOf(value), at).aspects);
  return result;
}

function readTemplateQuality(value: Wire, _wabaId: string, at: Date): Event {
  const template = templateOf(value);
  const result = one("template", template, "quality", text(value["new_quality_score"]) ?? "UNKNOWN", at, "quality");
  result.aspects.push(...one("template", template, "name", nameOf(value), at).aspects);
  return result;
}

/** A day ahead `new_category` is still the current one and `correct_category` the one to come (whatsapp.md 2.4). */
function readTemplateCategory(value: Wire, _wabaId: string, at: Date): Event {
  const template = templateOf(value);
  const coming = text(value["correct_category"]);
  const result = one(
    "template",
    template,
    "category",
    text(value["new_category"]) ?? "UNKNOWN",
    at,
    coming ? "impending" : "changed",
  );
  const pending = coming ? { category: coming, at: value["category_update_timestamp"] ?? null } : null;
  result.aspects.push(...one("template", template, "category-pending", pending, at).aspects);
  return result;
}

function nameOf(value: Wire): { name: string | null; language: string | null } {
  return {
    name: text(value["message_template_name"]) ?? null,
    language: text(value["message_template_language"])?.replace("-", "_") ?? null,
  };
}
