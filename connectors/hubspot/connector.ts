import type { CrmConnector } from "#core/crm/connector.ts";
import { ACTIVITIES_MAX, logMessages } from "./activities.ts";
import { hubspotApi } from "./api.ts";
import type { HubspotHttp } from "./client.ts";
import { findLogged } from "./logged-activities.ts";
import type { HubspotApp } from "./oauth.ts";
import { findOrCreateRecords } from "./records.ts";
import { whatsappIds } from "./whatsapp-id.ts";

export interface HubspotOptions extends HubspotApp, Partial<HubspotHttp> {}

/** HubSpot's API, and the longest that one call may take. */
const HTTP: HubspotHttp = { baseUrl: "https://api.hubapi.com", timeoutMs: 15_000 };

/** One for the whole process: it serves every install, and keeps nothing of them but a bounded cache. */
export function hubspotConnector({ clientId, clientSecret, ...http }: HubspotOptions): CrmConnector {
  const api = hubspotApi({ ...HTTP, ...http }, { clientId, clientSecret });
  const ids = whatsappIds(api);
  return {
    crm: "hubspot",
    activitiesMax: ACTIVITIES_MAX,
    findOrCreateRecords: (context, people) => findOrCreateRecords(api, ids, context, people),
    logMessages: (context, activities) => logMessages(api, context, activities),
    findLogged: (context, record, markers) => findLogged(api, context, record.id, markers),
  };
}
