import { z } from "zod";

/** HubSpot's objects as it answers them: loose about fields we do not use. Ids came as numbers in older versions. */
export const HubspotId = z.union([z.string(), z.number()]).transform(String);

export const HubspotObject = z.looseObject({
  id: HubspotId,
  properties: z.record(z.string(), z.string().nullable()).catch({}),
  createdAt: z.string().optional(),
  objectWriteTraceId: z.string().optional(),
});
export type HubspotObject = z.infer<typeof HubspotObject>;

export const Found = z.looseObject({ results: z.array(HubspotObject), total: z.number().optional() });

/** One failed input of a batch; which one is named by the trace id that we gave it. */
export const BatchError = z.looseObject({
  context: z.record(z.string(), z.array(z.string()).catch([])).catch({}),
});

export const BatchAnswer = z.looseObject({
  results: z.array(HubspotObject).catch([]),
  errors: z.array(BatchError).catch([]),
});

export const AssociationsAnswer = z.looseObject({
  results: z.array(
    z.looseObject({
      to: z.array(z.looseObject({ toObjectId: HubspotId })),
      paging: z.looseObject({ next: z.looseObject({ after: z.string() }).optional() }).optional(),
    }),
  ),
  errors: z.array(z.unknown()).catch([]),
});

export const Property = z.looseObject({ name: z.string(), hasUniqueValue: z.boolean().catch(false) });
