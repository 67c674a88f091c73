import { expect, test } from "vitest";
import { readWebhookBody } from "#test/sandbox/webhook-body.ts";

const read = (body: unknown) => readWebhookBody(Buffer.from(typeof body === "string" ? body : JSON.stringify(body)));
const metadata = { display_phone_number: "+91 55501 00001", phone_number_id: "318" };

test("counts changes over all entries and finds their WABAs and numbers", () => {
  const body = read({
    entry: [
      {
        id: "11",
        changes: [
          { field: "messages", value: { metadata } },
          { field: "history", value: {} },
        ],
      },
      { id: "22", changes: [{ field: "security", value: {} }] },
    ],
  });

  expect(body.changes).toBe(3);
  expect(new Set(body.wabas)).toEqual(new Set(["11", "22"]));
  expect(body.numbers).toEqual([
    { phoneNumberId: "318", displayPhone: "915550100001", wabaId: "11", isCoexistence: false },
  ]);
});

test("takes the WABA from waba_info before entry.id, which may be the partner's business", () => {
  const value = { event: "PARTNER_ADDED", waba_info: { waba_id: "11" } };

  expect(read({ entry: [{ id: "partner", changes: [{ field: "account_update", value }] }] }).wabas).toEqual(["11"]);
});

test("knows a number in coexistence by the webhooks that only such a number gets", () => {
  const [number] = read({ entry: [{ id: "11", changes: [{ field: "history", value: { metadata } }] }] }).numbers;

  expect(number?.isCoexistence).toBe(true);
});

test("a body that cannot be read counts as one change, an empty one as none", () => {
  expect(read("{").changes).toBe(1);
  expect(read({ entry: [] }).changes).toBe(0);
  expect(read({ entry: [{ id: "11" }, "?", null] }).changes).toBe(0);
});
