import fc from "fast-check";
import { delivery, echoTo, historyOf, inbound, price, statusOf, textFrom } from "./payloads.ts";

const number = "527000000000001";
const asha = { phone: "919845000117", bsuid: "IN.111", name: "Asha" };
const t = 1_795_000_000;

/** Sound bodies of every kind; their wamids start with "sound.". */
export const webhookBodies: readonly Record<string, unknown>[] = [
  textFrom(asha, "sound.1", t, "Hello", number),
  textFrom({ phone: "5541988887777" }, "sound.2", t, "Olá", number),
  inbound(asha, "sound.3", t, { type: "image", image: { id: "1", mime_type: "image/jpeg", caption: "Plan" } }, number),
];

const seeds: readonly Record<string, unknown>[] = [
  textFrom(asha, "w1", t, "Hello", number),
  inbound(
    asha,
    "w2",
    t,
    { type: "interactive", interactive: { type: "nfm_reply", nfm_reply: { name: "flow", response_json: '{"a":1}' } } },
    number,
  ),
  inbound(
    asha,
    "w3",
    t,
    { type: "contacts", contacts: [{ origin: "contact_request", phones: [{ wa_id: "919845000118" }] }] },
    number,
  ),
  inbound(asha, "w4", t, { type: "system", system: { type: "user_changed_number", wa_id: "919845000119" } }, number),
  inbound(
    asha,
    "w5",
    t,
    { type: "edit", edit: { original_message_id: "w1", message: { type: "text", text: { body: "x" } } } },
    number,
  ),
  inbound(asha, "w6", t, { type: "reaction", reaction: { message_id: "w1", emoji: "👍" } }, number),
  inbound(
    asha,
    "w7",
    t,
    {
      type: "order",
      order: { product_items: [{ quantity: 1 }] },
      referral: { source_id: "1" },
      context: { id: "w1", forwarded: true },
    },
    number,
  ),
  {
    ...statusOf(
      "w1",
      "read",
      t,
      { ...price, biz_opaque_callback_data: "tv1:0199a0b0-0000-7000-8000-000000000000", errors: [{ code: 131049 }] },
      asha,
    ),
  },
  { ...echoTo(asha, "w8", t, { type: "text", text: { body: "Hi" } }) },
  {
    ...historyOf("919845000117", [
      { from: "919845000117", id: "w9", timestamp: String(t), type: "text", text: { body: "Old" } },
    ]),
  },
  delivery("user_preferences", { user_preferences: [{ user_id: "IN.111", value: "stop", timestamp: t }] }, number),
  delivery(
    "user_id_update",
    { user_id_update: [{ user_id: { previous: "IN.111", current: "IN.112" }, timestamp: t }] },
    number,
  ),
  delivery(
    "smb_app_state_sync",
    { state_sync: [{ type: "contact", action: "add", contact: { full_name: "A", phone_number: "919845000117" } }] },
    number,
  ),
  {
    object: "whatsapp_business_account",
    entry: [
      {
        id: "364000000000001",
        time: t,
        changes: [
          {
            field: "account_update",
            value: { event: "ACCOUNT_RESTRICTION", restriction_info: [{ restriction_type: "X" }] },
          },
        ],
      },
    ],
  },
  {
    object: "whatsapp_business_account",
    entry: [
      {
        id: "364000000000001",
        time: t,
        changes: [
          {
            field: "message_template_status_update",
            value: { event: "APPROVED", message_template_id: 1689556908129832 },
          },
        ],
      },
    ],
  },
];

const odd = fc.oneof(
  fc.constantFrom(
    null,
    "",
    "0",
    -1,
    1e308,
    2 ** 53,
    true,
    [],
    {},
    "\0",
    "\ud800",
    "IN.1",
    "919845000117",
    "read",
    "messages",
    "__proto__",
    "constructor",
  ),
  fc.jsonValue({ maxDepth: 3 }),
  fc.string({ maxLength: 40 }),
  fc.constantFrom("x".repeat(5000), Array.from({ length: 900 }, (_, at) => (at * 7919).toString(36)).join("")),
);

const mutation = fc.record({
  at: fc.nat(10_000),
  how: fc.constantFrom("drop", "replace", "double", "wrap", "rename", "move"),
  with: odd,
});

/** A webhook body in which up to six things are not as Meta promises; now and then it is cut in the middle. */
export const mutated: fc.Arbitrary<string> = fc
  .tuple(fc.constantFrom(...seeds), fc.array(mutation, { minLength: 1, maxLength: 6 }), fc.nat(60), fc.nat(4000))
  .map(([seed, mutations, chance, length]) => {
    const body: unknown = JSON.parse(JSON.stringify(seed).replaceAll("106540352242922", number));
    for (const one of mutations) mutate(body, one);
    const text = JSON.stringify(body);
    return chance === 0 ? text.slice(0, length) : text;
  });

type Mutation = { at: number; how: string; with: unknown };

/** Every place of the value is as likely: the key to change is counted over all containers. */
function mutate(root: unknown, { at, how, with: value }: Mutation): void {
  const places: { holder: Record<string, unknown>; key: string }[] = [];
  collect(root, places);
  const place = places[at % Math.max(places.length, 1)];
  if (!place) return;
  const { holder, key } = place;
  if (how === "drop") delete holder[key];
  else if (how === "replace") holder[key] = value;
  else if (how === "double" && Array.isArray(holder[key]))
    (holder[key] as unknown[]).push(...structuredClone(holder[key] as unknown[]));
  else if (how === "wrap") holder[key] = [holder[key]];
  else if (how === "rename") holder[`${key}_`] = holder[key];
  else holder[key] = structuredClone(places[(at * 31) % places.length]?.holder ?? value); // another part of the body
}

function collect(value: unknown, places: { holder: Record<string, unknown>; key: string }[], depth = 0): void {
  if (typeof value !== "object" || value === null || depth > 12 || places.length > 2000) return;
  const holder = value as Record<string, unknown>;
  for (const key of Object.keys(holder)) {
    places.push({ holder, key });
    collect(holder[key], places, depth + 1);
  }
}
