import { LRUCache } from "lru-cache";
import type { ConnectorContext } from "#core/crm/context.ts";
import type { CrmPerson } from "#core/crm/record.ts";
import { canonicalPhone } from "#core/domain/identity/phone.ts";
import type { HubspotApi } from "./api.ts";
import { BatchAnswer, Property } from "./wire.ts";

/** Our own contact property. Where it exists and is unique, a contact is found without the lagging search and never made twice. */
export const WHATSAPP_ID = "triveni_wa_id";

const PROPERTY_PATH = `/crm/properties/2026-09/contacts/${WHATSAPP_ID}`;
const READ_PATH = "/crm/objects/2026-09/contacts/batch/read";
const INSTALLS_MAX = 1_000;
const KNOWN_FOR_MS = 10 * 60_000;

/** What the property holds: the BSUID, and the phone for those who show no BSUID. */
export function whatsappIdOf({ bsuids, phones }: CrmPerson): string | undefined {
  return bsuids[0] ?? (phones[0] && canonicalPhone(phones[0]));
}

export interface WhatsappIds {
  /** Whether the account has the property. 403 counts as no: without the right to read it we can not use it. */
  isAvailable(context: ConnectorContext): Promise<boolean>;
  forget(context: ConnectorContext): void;
  find(context: ConnectorContext, person: CrmPerson): Promise<string | undefined>;
}

export function whatsappIds(api: HubspotApi): WhatsappIds {
  const known = new LRUCache<string, Promise<boolean>>({ max: INSTALLS_MAX, ttl: KNOWN_FOR_MS });
  const keyOf = ({ workspaceId, installId }: ConnectorContext) => `${workspaceId}/${installId}`;

  async function ask(context: ConnectorContext): Promise<boolean> {
    const { status, body } = await api.call(context, { method: "GET", path: PROPERTY_PATH, accept: [403, 404] });
    return status === 200 && Property.parse(body).hasUniqueValue;
  }

  return {
    isAvailable(context) {
      const key = keyOf(context);
      // The promise is kept, so that people who are looked for side by side ask once; a failed question is asked again.
      const remembered = known.get(key);
      if (remembered !== undefined) return remembered;
      const answer = ask(context);
      known.set(key, answer);
      answer.catch(() => known.delete(key));
      return answer;
    },
    forget: (context) => void known.delete(keyOf(context)),
    async find(context, person) {
      const ids = [...new Set([...person.bsuids, ...person.phones.map(canonicalPhone)])].slice(0, 100);
      const { body } = await api.call(context, {
        method: "POST",
        path: READ_PATH,
        body: {
          idProperty: WHATSAPP_ID,
          inputs: ids.map((id) => ({ id })),
          properties: [WHATSAPP_ID],
          propertiesWithHistory: [],
        },
      });
      const { results } = BatchAnswer.parse(body);
      return results.find(
        ({ id, properties }) => ids.includes(properties[WHATSAPP_ID] ?? "") && !person.strangersRecords.includes(id),
      )?.id;
    },
  };
}
