import type { ConnectorContext } from "#core/crm/context.ts";
import type { CrmPerson } from "#core/crm/record.ts";
import { canonicalPhone } from "#core/domain/identity/phone.ts";
import type { HubspotApi } from "./api.ts";
import { SEARCHES } from "./limits.ts";
import { nationalNumber, phoneForms } from "./phone-forms.ts";
import { Found, type HubspotObject } from "./wire.ts";

const SEARCH_PATH = "/crm/objects/2026-09/contacts/search";

/** A person with many numbers is looked for under the newest; HubSpot reads 3,000 characters of a search. */
const PHONES_MAX = 3;
const RESULTS_MAX = 100;

/** HubSpot fills the calculated ones; national numbers of different countries collide, hence the comparison afterwards. */
const NATIONAL_PROPERTIES = ["hs_searchable_calculated_phone_number", "hs_searchable_calculated_mobile_number"];
const PHONE_PROPERTIES = ["phone", "mobilephone", "hs_whatsapp_phone_number"];
const COMPARED = [...PHONE_PROPERTIES, "hs_calculated_phone_number", "hs_calculated_mobile_number"];

/** The contact that has one of the person's phones (newest first) and is nobody else's; of several with the same phone the oldest. */
export async function searchByPhone(
  api: HubspotApi,
  context: ConnectorContext,
  { phones, strangersRecords }: CrmPerson,
): Promise<string | undefined> {
  const wanted = [...new Set(phones.map(canonicalPhone))].slice(0, PHONES_MAX);
  const { body } = await api.call(context, {
    method: "POST",
    path: SEARCH_PATH,
    body: searchFor(wanted),
    limit: SEARCHES,
  });
  const candidates = Found.parse(body).results.map((contact) => ({ contact, rank: rankOf(contact, wanted) }));
  const matches = candidates
    .filter(({ rank, contact }) => rank >= 0 && !strangersRecords.includes(contact.id))
    .toSorted((a, b) => a.rank - b.rank || byAge(a.contact, b.contact));
  if (matches.length > 1) {
    const contactIds = matches.map(({ contact }) => contact.id);
    context.log.info({ contactIds, chosen: contactIds[0] }, "several contacts have this phone: the oldest is taken");
  }
  return matches[0]?.contact.id;
}

function searchFor(wanted: readonly string[]) {
  const forms = wanted.flatMap(phoneForms);
  const written = forms.flatMap((form) => [`+${form}`, form]);
  const national = [...new Set(forms.map(nationalNumber))];
  return {
    filterGroups: [
      ...PHONE_PROPERTIES.map((propertyName) => ({ filters: [anyOf(propertyName, written)] })),
      ...NATIONAL_PROPERTIES.map((propertyName) => ({ filters: [anyOf(propertyName, national)] })),
    ],
    properties: [...COMPARED, "createdate"],
    sorts: ["createdate"],
    limit: RESULTS_MAX,
    after: "0",
  };
}

function anyOf(propertyName: string, values: readonly string[]) {
  return values.length === 1
    ? { propertyName, operator: "EQ", value: values[0] }
    : { propertyName, operator: "IN", values };
}

/** Which of the wanted phones the contact has; -1 for none. */
function rankOf({ properties }: HubspotObject, wanted: readonly string[]): number {
  const held = new Set(COMPARED.map((name) => canonicalPhone(properties[name] ?? "")));
  return wanted.findIndex((phone) => held.has(phone));
}

function byAge(a: HubspotObject, b: HubspotObject): number {
  return (a.createdAt ?? "").localeCompare(b.createdAt ?? "") || a.id.length - b.id.length || a.id.localeCompare(b.id);
}
