import type { RecordResult } from "#core/crm/connector.ts";
import type { ConnectorContext } from "#core/crm/context.ts";
import type { CrmPerson } from "#core/crm/record.ts";
import { Failure } from "#core/kit/failure.ts";
import type { HubspotApi } from "./api.ts";
import { searchByPhone } from "./contact-search.ts";
import { isOutcomeUnknown, problemOf } from "./errors.ts";
import { WHATSAPP_ID, type WhatsappIds, whatsappIdOf } from "./whatsapp-id.ts";
import { HubspotObject } from "./wire.ts";

const CONTACTS_PATH = "/crm/objects/2026-09/contacts";
const NAME_CHARS_MAX = 100;

/** How many people are looked for side by side; searches wait for each other anyway. */
const ABREAST = 4;

export async function findOrCreateRecords(
  api: HubspotApi,
  ids: WhatsappIds,
  context: ConnectorContext,
  people: readonly CrmPerson[],
): Promise<RecordResult[]> {
  const results: RecordResult[] = [];
  const queue = people.entries();
  const work = async () => {
    for (const [at, person] of queue) {
      results[at] = await settled(api, ids, context, person);
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, work));
  return results;
}

/** Failures become values, so that one person's trouble does not take the others' results with it. */
async function settled(
  api: HubspotApi,
  ids: WhatsappIds,
  context: ConnectorContext,
  person: CrmPerson,
): Promise<RecordResult> {
  try {
    const isKeyed = await ids.isAvailable(context);
    // Without a phone and without our property nothing could find the contact again: a lost answer would make a second one.
    if (person.phones.length === 0 && !isKeyed)
      return { outcome: "refused", refusal: { code: "crm.person_without_phone" } };
    const id = await find(api, ids, context, person, isKeyed);
    if (id !== undefined) return { outcome: "linked", record: { type: "contact", id }, how: "found" };
    return await create(api, ids, context, person, isKeyed);
  } catch (error) {
    if (error instanceof Failure) return { outcome: "failed", failure: error };
    throw error;
  }
}

async function find(api: HubspotApi, ids: WhatsappIds, context: ConnectorContext, person: CrmPerson, isKeyed: boolean) {
  const mustAskById = isKeyed && (person.mayExist || person.phones.length === 0);
  const byId = mustAskById ? await ids.find(context, person) : undefined;
  if (byId !== undefined || person.phones.length === 0) return byId;
  return searchByPhone(api, context, person);
}

async function create(
  api: HubspotApi,
  ids: WhatsappIds,
  context: ConnectorContext,
  person: CrmPerson,
  isKeyed: boolean,
): Promise<RecordResult> {
  try {
    const body = { properties: propertiesOf(person, isKeyed), associations: [] };
    const answer = await api.call(context, { method: "POST", path: CONTACTS_PATH, body, accept: [400, 409] });
    if (answer.status < 300)
      return {
        outcome: "linked",
        record: { type: "contact", id: HubspotObject.parse(answer.body).id },
        how: "created",
      };
    return await refusedOrThere(ids, context, person, isKeyed, answer.status, answer.body);
  } catch (error) {
    if (!isOutcomeUnknown(error) || !(error instanceof Failure)) throw error;
    return { outcome: "unknown", failure: error };
  }
}

async function refusedOrThere(
  ids: WhatsappIds,
  context: ConnectorContext,
  person: CrmPerson,
  isKeyed: boolean,
  status: number,
  body: unknown,
): Promise<RecordResult> {
  const { isTaken, isRequiredPropertyMissing, properties, codes } = problemOf(body);
  // The unique property is taken: by an earlier try of ours whose answer was lost, or whose contact search does not show yet.
  const existing = isKeyed && (status === 409 || isTaken) ? await ids.find(context, person) : undefined;
  if (existing !== undefined) return { outcome: "linked", record: { type: "contact", id: existing }, how: "found" };
  ids.forget(context);
  const code = isRequiredPropertyMissing ? "crm.required_property" : "crm.record_refused";
  context.log.warn({ personId: person.personId, codes, properties }, "HubSpot refused to create a contact");
  return { outcome: "refused", refusal: { code, detail: (properties.length > 0 ? properties : codes).join(", ") } };
}

function propertiesOf(person: CrmPerson, isKeyed: boolean): Record<string, string> {
  const { phones, name } = person;
  // HubSpot wants something to call a contact by.
  const shown = name?.replace(/\p{Cc}+/gu, " ").trim() || (phones.length === 0 ? "WhatsApp" : "");
  const [, first = "", last = ""] = /^(\S+)\s*(.*)$/su.exec(shown) ?? [];
  const whatsappId = isKeyed ? whatsappIdOf(person) : undefined;
  return {
    ...(phones[0] && { phone: `+${phones[0]}` }),
    ...(first && { firstname: first.slice(0, NAME_CHARS_MAX).toWellFormed() }),
    ...(last && { lastname: last.slice(0, NAME_CHARS_MAX).toWellFormed() }),
    ...(whatsappId && { [WHATSAPP_ID]: whatsappId }),
  };
}
