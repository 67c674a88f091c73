import { type Answer, batchError, batchOf, errorOf, objectOf } from "./answers.ts";
import { type Portal, type StoredObject, store, withCalculated } from "./portal.ts";

const UNIQUE = "triveni_wa_id";

interface Filter {
  propertyName: string;
  operator: string;
  value?: string;
  values?: string[];
}

export function createContact(
  portal: Portal,
  body: { properties: Record<string, string> },
  searchDelayMs: number,
): Answer {
  const properties = body.properties;
  const missing = portal.requiredProperties.filter((name) => !properties[name]);
  if (missing.length > 0) {
    return errorOf(400, "VALIDATION_ERROR", "Error creating CONTACT. Some required properties were not set.", {
      context: { properties: missing },
      errors: missing.map((name) => ({
        message: `${name} is required`,
        code: "MISSING_REQUIRED_PROPERTY",
        context: { propertyName: [name] },
      })),
    });
  }
  const unknown = properties[UNIQUE] !== undefined && !portal.hasWhatsappId;
  if (unknown)
    return errorOf(400, "VALIDATION_ERROR", `Property "${UNIQUE}" does not exist`, {
      errors: [{ message: "unknown", code: "PROPERTY_DOESNT_EXIST" }],
    });
  if (Object.keys(properties).length === 0) return errorOf(400, "VALIDATION_ERROR", "A contact needs a property");
  const taken =
    properties[UNIQUE] && portal.contacts.find((contact) => contact.properties[UNIQUE] === properties[UNIQUE]);
  if (taken) {
    return errorOf(400, "VALIDATION_ERROR", `Property values were not valid: ${taken.id} already has that value.`, {
      errors: [
        {
          message: `${taken.id} already has that value.`,
          code: "CONFLICTING_UNIQUE_VALUE",
          context: { propertyName: [UNIQUE] },
        },
      ],
    });
  }
  return { status: 201, body: objectOf(store(portal.contacts, withCalculated(properties), searchDelayMs)) };
}

export function searchContacts(
  portal: Portal,
  body: { filterGroups: { filters: Filter[] }[]; properties: string[]; limit: number },
): Answer {
  const filters = body.filterGroups.flatMap((group) => group.filters);
  if (body.filterGroups.length > 5 || filters.length > 18) return errorOf(400, "VALIDATION_ERROR", "Too many filters");
  if (JSON.stringify(body).length > 3_000) return errorOf(400, "VALIDATION_ERROR", "The search is too long");
  const now = Date.now();
  const results = portal.contacts
    .filter((contact) => contact.searchableAt <= now)
    .filter((contact) => body.filterGroups.some((group) => group.filters.every((filter) => matches(contact, filter))))
    .slice(0, body.limit);
  return {
    status: 200,
    body: { total: results.length, results: results.map((contact) => objectOf(contact, body.properties)) },
  };
}

function matches({ properties }: StoredObject, { propertyName, operator, value, values = [] }: Filter): boolean {
  const held = properties[propertyName];
  if (operator === "EQ") return held === value;
  if (operator === "IN") return held !== undefined && values.includes(held);
  throw new Error(`The simulator does not know the operator ${operator}.`);
}

export function readContacts(
  portal: Portal,
  body: { idProperty?: string; inputs: { id: string }[]; properties: string[] },
): Answer {
  const { idProperty } = body;
  const idOf = (contact: StoredObject) => (idProperty ? contact.properties[idProperty] : contact.id);
  const found = body.inputs.map(({ id }) => ({ id, contact: portal.contacts.find((contact) => idOf(contact) === id) }));
  const errors = found
    .filter(({ contact }) => !contact)
    .map(({ id }) =>
      batchError("OBJECT_NOT_FOUND", "Could not get some CONTACT objects, they may be deleted or not exist.", {
        ids: [id],
      }),
    );
  return batchOf(
    found.flatMap(({ contact }) => (contact ? [objectOf(contact, body.properties)] : [])),
    errors,
  );
}

export function updateContact(portal: Portal, id: string, body: { properties: Record<string, string> }): Answer {
  const contact = portal.contacts.find((one) => one.id === id);
  if (!contact) return errorOf(404, "OBJECT_NOT_FOUND", "Object not found.");
  contact.properties = withCalculated({ ...contact.properties, ...body.properties });
  contact.updatedAt = new Date().toISOString();
  return { status: 200, body: objectOf(contact) };
}

export function readProperty(portal: Portal, name: string): Answer {
  if (name !== UNIQUE || !portal.hasWhatsappId)
    return errorOf(404, "OBJECT_NOT_FOUND", `Property ${name} does not exist`);
  const body = {
    name,
    label: "WhatsApp id",
    type: "string",
    fieldType: "text",
    groupName: "triveni_whatsapp",
    description: "",
    options: [],
    hasUniqueValue: true,
  };
  return { status: 200, body };
}
