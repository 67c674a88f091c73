import type { Request, Response } from "express";
import { z } from "zod";
import { Failure } from "#core/kit/failure.ts";
import { timelinePage, timelineSearch, timelineSince } from "#core/views/timeline.ts";
import type { Caller } from "../callers/caller.ts";
import { SearchPage, TimelinePage, TimelineQuery } from "../contract/timeline.ts";
import { callerOf, readAs } from "../identify.ts";
import type { ApiDeps } from "../mount.ts";
import { languageOfRequest, requestIdOf } from "../respond.ts";

const Params = z.object({
  crm: z.string().regex(/^[a-z]{2,20}$/),
  type: z.string().regex(/^[\w-]{1,60}$/),
  recordId: z.string().regex(/^[\w.-]{1,60}$/),
});

/** GET /v1/records/{crm}/{type}/{recordId}/timeline: a page (`before`), what changed (`since`), or what is found (`search`). */
export async function getTimeline(request: Request, response: Response, deps: ApiDeps): Promise<void> {
  const caller = callerOf(response);
  const { before, since, search, limit } = readAs(TimelineQuery, request.query);
  const ask = {
    workspaceId: caller.workspaceId,
    record: recordOf(readAs(Params, request.params), caller),
    actor: caller.agent,
    language: languageOfRequest(request),
    requestId: requestIdOf(response),
    limit,
  };
  if (search !== undefined) response.json(SearchPage.parse(await timelineSearch(deps, ask, search)));
  else if (since !== undefined) response.json(TimelinePage.parse(await timelineSince(deps, ask, since)));
  else response.json(TimelinePage.parse(await timelinePage(deps, ask, before)));
}

function recordOf({ crm, type, recordId }: z.infer<typeof Params>, { install }: Caller) {
  if (install !== undefined && install.crm !== crm) {
    throw new Failure("forbidden", "record.other_crm", `A caller from ${install.crm} cannot read records of ${crm}.`);
  }
  return { crm, type, id: recordId, ...(install && { installId: install.installId }) };
}
