import type { BucketShape, ConnectorContext } from "#core/crm/context.ts";
import { exchange, type HubspotHttp, type WireRequest } from "./client.ts";
import { failureOf } from "./errors.ts";
import { CALLS } from "./limits.ts";
import { accessToken, type HubspotApp } from "./oauth.ts";

export interface HubspotCall extends Omit<WireRequest, "accessToken"> {
  limit?: BucketShape;
  /** Statuses besides 2xx that the caller wants to see as answers. */
  accept?: readonly number[];
}

export interface HubspotAnswer {
  status: number;
  body: unknown;
}

/** Calls HubSpot for one install: paced, with its token, and every answer that was not expected thrown as a Failure. */
export interface HubspotApi {
  call(context: ConnectorContext, request: HubspotCall): Promise<HubspotAnswer>;
}

export function hubspotApi(http: HubspotHttp, app: HubspotApp): HubspotApi {
  async function send(
    context: ConnectorContext,
    { limit = CALLS, accept: _, ...request }: HubspotCall,
    rejected?: string,
  ) {
    const token = await accessToken(http, app, context, rejected);
    await context.bucket.take(limit);
    return { token, answer: await exchange(http, { ...request, accessToken: token }) };
  }

  return {
    async call(context, request) {
      let { token, answer } = await send(context, request);
      // The token may have been revoked, or the clocks differ. A 401 has done nothing, so once more is safe even for a write.
      if (answer.status === 401) ({ answer } = await send(context, request, token));
      const isExpected = (answer.status >= 200 && answer.status < 300) || request.accept?.includes(answer.status);
      if (isExpected) return { status: answer.status, body: answer.body };

      const name = `${request.method} ${request.path.split("?")[0]}`;
      const failure = failureOf(answer, name, context.installId, context.clock.now());
      if (answer.status === 429) await context.bucket.pause(request.limit ?? CALLS, failure.next?.afterMs ?? 0);
      throw failure;
    },
  };
}
