import { type Answer, batchError, batchOf, errorOf, objectOf } from "./answers.ts";
import { type Portal, store } from "./portal.ts";

const BATCH_MAX = 100;
const ASSOCIATIONS_PAGE = 500;

interface Input {
  objectWriteTraceId?: string;
  properties: Record<string, string>;
  associations: { to: { id: string }; types: { associationTypeId: number }[] }[];
}

/** Equal inputs make equal communications: the real one does not tell them apart either. Results come in an order of their own. */
export function createCommunications(portal: Portal, { inputs }: { inputs: Input[] }): Answer {
  if (inputs.length > BATCH_MAX) return errorOf(400, "VALIDATION_ERROR", `Only ${BATCH_MAX} inputs are allowed.`);
  const invalid = inputs.find(
    ({ properties }) => properties["hs_communication_channel_type"] !== "WHATS_APP" || !properties["hs_timestamp"],
  );
  if (invalid) return errorOf(400, "VALIDATION_ERROR", "Property values were not valid");
  const results = [];
  const errors = [];
  for (const input of inputs) {
    const targets = input.associations
      .filter(({ types }) => types.some(({ associationTypeId }) => associationTypeId === 81))
      .map(({ to }) => to.id);
    const trace: Record<string, string[]> = input.objectWriteTraceId
      ? { objectWriteTraceId: [input.objectWriteTraceId] }
      : {};
    if (targets.some((id) => !portal.contacts.some((contact) => contact.id === id))) {
      errors.push(batchError("OBJECT_NOT_FOUND", "Association target does not exist", trace));
      continue;
    }
    const made = objectOf(store(portal.communications, input.properties, 0, targets));
    results.unshift({ ...made, ...(input.objectWriteTraceId && { objectWriteTraceId: input.objectWriteTraceId }) });
  }
  return batchOf(results, errors, 201);
}

export function readCommunications(portal: Portal, body: { inputs: { id: string }[]; properties: string[] }): Answer {
  if (body.inputs.length > BATCH_MAX) return errorOf(400, "VALIDATION_ERROR", `Only ${BATCH_MAX} inputs are allowed.`);
  const wanted = new Set(body.inputs.map(({ id }) => id));
  const found = portal.communications.filter(({ id }) => wanted.has(id));
  return batchOf(found.map((one) => objectOf(one, body.properties)));
}

export function readAssociations(portal: Portal, { inputs }: { inputs: { id: string; after?: string }[] }): Answer {
  const results = [];
  const errors = [];
  for (const { id, after = "0" } of inputs) {
    const all = portal.communications.filter(({ associations }) => associations.includes(id));
    const page = all.slice(Number(after), Number(after) + ASSOCIATIONS_PAGE);
    const next = Number(after) + page.length;
    if (all.length === 0) {
      errors.push(
        batchError(
          "OBJECT_NOT_FOUND",
          `No communication is associated with contact ${id}.`,
          { fromObjectId: [id] },
          "crm.associations.NO_ASSOCIATIONS_FOUND",
        ),
      );
      continue;
    }
    results.push({
      from: { id },
      to: page.map((one) => ({ toObjectId: one.id, associationTypes: [{ category: "HUBSPOT_DEFINED", typeId: 82 }] })),
      ...(next < all.length && { paging: { next: { after: String(next) } } }),
    });
  }
  return batchOf(results, errors);
}
