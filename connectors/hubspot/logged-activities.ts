import type { ConnectorContext } from "#core/crm/context.ts";
import { markerIn } from "#core/crm/marker.ts";
import { Failure } from "#core/kit/failure.ts";
import type { HubspotApi } from "./api.ts";
import { problemOf } from "./errors.ts";
import { AssociationsAnswer, BatchAnswer } from "./wire.ts";

const ASSOCIATIONS_PATH = "/crm/associations/2026-09/contacts/communications/batch/read";
const READ_PATH = "/crm/objects/2026-09/communications/batch/read";
const READ_MAX = 100;

/** HubSpot gives 500 associations a page: 20,000 timeline entries of one contact are read before we give up. */
const PAGES_MAX = 40;

/** Looks through a contact's communications, newest ids first, until every marker is found or all were seen. */
export async function findLogged(
  api: HubspotApi,
  context: ConnectorContext,
  contactId: string,
  markers: readonly string[],
): Promise<Map<string, string>> {
  const wanted = new Set(markers);
  const found = new Map<string, string>();
  const ids = await communicationsOf(api, context, contactId);
  for (let at = 0; at < ids.length && found.size < wanted.size; at += READ_MAX) {
    const inputs = ids.slice(at, at + READ_MAX).map((id) => ({ id }));
    const body = { inputs, properties: ["hs_communication_body"], propertiesWithHistory: [] };
    const answer = await api.call(context, { method: "POST", path: READ_PATH, body });
    const { results, errors } = BatchAnswer.parse(answer.body);
    refuseHalfAnswers(errors, contactId);
    for (const { id, properties } of results) {
      const marker = markerIn(properties["hs_communication_body"] ?? "");
      if (marker !== undefined && wanted.has(marker) && !found.has(marker)) found.set(marker, id);
    }
  }
  return found;
}

async function communicationsOf(api: HubspotApi, context: ConnectorContext, contactId: string): Promise<string[]> {
  const ids = new Set<string>();
  let after: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const body = { inputs: [{ id: contactId, ...(after && { after }) }] };
    const answer = await api.call(context, { method: "POST", path: ASSOCIATIONS_PATH, body, accept: [404] });
    if (answer.status === 404) throw gone(context, contactId);
    const { results, errors } = AssociationsAnswer.parse(answer.body);
    refuseHalfAnswers(errors, contactId);
    const result = results[0];
    for (const { toObjectId } of result?.to ?? []) ids.add(toObjectId);
    after = result?.paging?.next?.after;
    if (after === undefined) return [...ids].toSorted(newestFirst);
  }
  const message = `Contact ${contactId} of install ${context.installId} has more than ${ids.size} communications: which messages were logged can not be read back.`;
  throw new Failure("unavailable", "crm.timeline_too_long", message, { next: { retry: "never" } });
}

function gone({ installId }: ConnectorContext, contactId: string): Failure {
  const message = `Contact ${contactId} of install ${installId} is gone: what was logged there can not be read back.`;
  return new Failure("missing", "crm.record_gone", message, { next: { retry: "never" } });
}

/** "Nothing there" is an error entry, too (207), and harmless. Any other one hides what may be logged: then nothing may be written again. */
function refuseHalfAnswers(errors: readonly unknown[], contactId: string): void {
  const problem = errors
    .map(problemOf)
    .find(
      ({ codes, isRecordMissing }) => !isRecordMissing && !codes.some((code) => /NO_ASSOCIATIONS_FOUND/.test(code)),
    );
  if (problem === undefined) return;
  const message = `HubSpot read back only a part of the timeline of contact ${contactId} (${problem.codes.join(", ") || "no code"}).`;
  throw new Failure("unavailable", "hubspot.half_answer", message, { next: { retry: "later" } });
}

function newestFirst(a: string, b: string): number {
  return b.length - a.length || (a < b ? 1 : -1);
}
