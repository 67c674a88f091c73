import type { LogResult } from "#core/crm/connector.ts";
import type { ConnectorContext } from "#core/crm/context.ts";
import { markerIn } from "#core/crm/marker.ts";
import type { CrmActivity, Refusal } from "#core/crm/record.ts";
import { Failure } from "#core/kit/failure.ts";
import { activityBody } from "./activity-body.ts";
import type { HubspotApi } from "./api.ts";
import { isOutcomeUnknown, problemOf } from "./errors.ts";
import { BatchAnswer, type HubspotObject } from "./wire.ts";

/** What HubSpot takes in one batch. */
export const ACTIVITIES_MAX = 100;

const CREATE_PATH = "/crm/objects/2026-09/communications/batch/create";
const COMMUNICATION_TO_CONTACT = 81;

/** In as many calls as needed for `activities`, at least one; HubSpot never tells two equal ones apart, so nothing is repeated here. */
export async function logMessages(
  api: HubspotApi,
  context: ConnectorContext,
  activities: readonly CrmActivity[],
): Promise<LogResult[]> {
  const results: LogResult[] = [];
  for (let at = 0; at < activities.length; at += ACTIVITIES_MAX) {
    results.push(...(await logBatch(api, context, activities.slice(at, at + ACTIVITIES_MAX))));
  }
  return results;
}

async function logBatch(
  api: HubspotApi,
  context: ConnectorContext,
  batch: readonly CrmActivity[],
): Promise<LogResult[]> {
  try {
    const body = { inputs: batch.map(inputOf) };
    const answer = await api.call(context, { method: "POST", path: CREATE_PATH, body, accept: [400, 404] });
    if (answer.status < 300) return resultsOf(batch, answer.body, answer.status);
    if (batch.length === 1) return [{ outcome: "refused", refusal: refusalOf(answer.body) }];
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const outcome = isOutcomeUnknown(error) ? ("unknown" as const) : ("failed" as const);
    return batch.map(() => ({ outcome, failure: error }));
  }
  // A batch that fails validation is refused as a whole and leaves nothing: halve it until the bad one stands alone.
  const middle = Math.ceil(batch.length / 2);
  const [left, right] = [batch.slice(0, middle), batch.slice(middle)];
  return [...(await logBatch(api, context, left)), ...(await logBatch(api, context, right))];
}

function inputOf(activity: CrmActivity) {
  return {
    // Comes back with the result, and with the error of a single input (207).
    objectWriteTraceId: activity.marker,
    properties: {
      hs_communication_channel_type: "WHATS_APP",
      hs_communication_logged_from: "CRM",
      hs_communication_body: activityBody(activity),
      hs_timestamp: activity.sentAt.toISOString(),
    },
    associations: [
      {
        to: { id: activity.record.id },
        types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: COMMUNICATION_TO_CONTACT }],
      },
    ],
  };
}

/** Results come in any order. What is neither among them nor among the errors may have been written all the same. */
function resultsOf(batch: readonly CrmActivity[], body: unknown, status: number): LogResult[] {
  const { results, errors } = BatchAnswer.parse(body ?? {});
  const written = new Map(results.map((result) => [markerOfResult(result), result.id]));
  const refused = new Map(
    errors.flatMap((error) => (error.context["objectWriteTraceId"] ?? []).map((marker) => [marker, error])),
  );
  return batch.map(({ marker }) => {
    const activityId = written.get(marker);
    if (activityId !== undefined) return { outcome: "written", activityId };
    const error = refused.get(marker);
    if (error !== undefined) return { outcome: "refused", refusal: refusalOf(error) };
    const message = `HubSpot answered ${status} to a batch of ${batch.length} activities without naming ${marker}.`;
    return {
      outcome: "unknown",
      failure: new Failure("unavailable", "hubspot.unnamed_result", message, { next: { retry: "later" } }),
    };
  });
}

function markerOfResult({ objectWriteTraceId, properties }: HubspotObject): string | undefined {
  return objectWriteTraceId ?? markerIn(properties["hs_communication_body"] ?? "");
}

function refusalOf(body: unknown): Refusal {
  const { codes, properties, isRecordMissing } = problemOf(body);
  return {
    code: isRecordMissing ? "crm.record_gone" : "crm.activity_refused",
    detail: [...codes, ...properties].join(", "),
  };
}
