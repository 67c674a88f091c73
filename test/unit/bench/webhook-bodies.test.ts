import { expect, test } from "vitest";
import { readDelivery } from "#core/whatsapp/delivery.ts";
import { addressOf, readChange } from "#core/whatsapp/webhook.ts";
import { numberOf, personOf } from "#test/bench/data/people.ts";
import { bodyOf, type Change, wamidOf } from "#test/bench/data/webhook-bodies.ts";

const receivedAt = new Date("2026-11-22T12:00:00Z");
const person = personOf(7, 4321);

function factsOf(change: Change) {
  const read = readDelivery(Buffer.from(bodyOf(change)));
  if ("unreadable" in read) throw new Error(read.unreadable);
  const [only] = read.changes;
  if (!only || read.changes.length > 1) throw new Error("not one change");
  return { address: addressOf(only), facts: readChange(only, receivedAt) };
}

test("a text is read as a live message of that person to that number", () => {
  const sentAt = new Date("2026-11-22T11:00:00Z");
  const wamid = wamidOf("in", person.phone, 1);

  const { address, facts } = factsOf({ kind: "text", person, wamid, sentAt, text: 'Curtains: 2 / "blue" नीला' });

  expect(address).toMatchObject({ kind: "live", phoneNumberId: numberOf(7).phoneNumberId });
  expect(facts).toEqual([
    expect.objectContaining({
      ...{
        kind: "message",
        source: "live",
        wamid,
        type: "text",
        body: 'Curtains: 2 / "blue" नीला',
        sentAt,
        opensWindow: true,
      },
      person: { bsuid: person.bsuid, phone: person.phone, profileName: person.name },
    }),
  ]);
});

test("a tick is read as a status, with its price on sent and delivered and without one on read", () => {
  const occurredAt = new Date("2026-11-22T11:00:00Z");
  const wamid = wamidOf("out", person.phone, 2);
  const prices = (["sent", "delivered", "read"] as const).map((status) => {
    const [fact] = factsOf({ kind: "status", person, wamid, status, occurredAt }).facts;
    expect(fact).toMatchObject({ kind: "status", wamid, status, occurredAt });
    return fact?.kind === "status" ? fact.pricing?.category : undefined;
  });

  expect(prices).toEqual(["utility", "utility", undefined]);
});

test("a body holds ASCII only, as Meta signs it", () => {
  const body = bodyOf({ kind: "text", person, wamid: "wamid.1", sentAt: receivedAt, text: "नीला 🙂 a/b" });

  expect(body).toMatch(/^[\x20-\x7e]+$/);
  expect(body).toContain("a\\/b");
});

test("no two people, messages or ways of a message share an id", () => {
  const wamids = Array.from({ length: 1000 }, (_, at) =>
    wamidOf(at % 2 ? "in" : "out", person.phone, Math.floor(at / 2)),
  );
  const bsuids = Array.from({ length: 1000 }, (_, at) => personOf(at % 3, at).bsuid);

  expect(new Set(wamids).size).toBe(1000);
  expect(new Set(bsuids).size).toBe(1000);
});
