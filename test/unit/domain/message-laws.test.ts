import fc from "fast-check";
import { expect, test } from "vitest";
import type { MessageFact } from "#core/domain/fact.ts";
import { joinMessage, joinStatus, type MessageState, skeleton } from "#core/domain/message.ts";
import { shownStatus, statusRank } from "#core/domain/message-status.ts";

const receivedAt = new Date("2026-11-21T12:00:00Z");
const statuses = ["accepted", "sent", "delivered", "read", "played", "failed", "warning"];

function shownAfter(reports: readonly string[]): string | undefined {
  const state = skeleton(receivedAt);
  for (const report of reports) joinStatus(state, report);
  return shownStatus(state.statusRank);
}

test.each([
  [["read", "delivered"], "read"],
  [["sent", "failed"], "failed"],
  [["failed", "sent"], "failed"],
  [["failed", "delivered"], "delivered"],
  [["delivered", "failed"], "delivered"],
  [["played", "read", "sent"], "played"],
  [["accepted"], "accepted"],
  [["warning"], undefined],
])("after %j a message is shown as %s", (reports, shown) => {
  expect(shownAfter(reports)).toBe(shown);
});

test("the shown status is the same in every order and with every repetition", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...statuses), { maxLength: 12 }),
      fc.infiniteStream(fc.nat()),
      (reports, random) => {
        const shuffled = [...reports, ...reports]
          .map((report) => ({ report, at: random.next().value }))
          .sort((a, b) => a.at - b.at);

        return shownAfter(shuffled.map(({ report }) => report)) === shownAfter(reports);
      },
    ),
  );
});

test("a shown status never goes backwards", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...statuses), { maxLength: 12 }), (reports) => {
      const state = skeleton(receivedAt);
      return reports.every((report) => {
        const before = state.statusRank;
        joinStatus(state, report);
        return state.statusRank >= before && state.statusRank >= statusRank(report);
      });
    }),
  );
});

const sources: MessageFact["source"][] = ["live", "echo", "send", "history", "history-media", "hint"];
/** What each source says of one message: every copy of a source says the same, as Meta's redeliveries do. */
const facts = sources.map(
  (source, at): MessageFact => ({
    kind: "message",
    source,
    wamid: "w",
    direction: at % 2 ? "out" : "in",
    origin: "customer",
    person: {},
    type: source === "history" ? "media_placeholder" : "text",
    body: `said by ${source}`,
    sentAt: new Date(receivedAt.getTime() - at * 1000),
    opensWindow: source === "live",
  }),
);

test("joining what several sources say of one message is commutative, associative and idempotent", () => {
  const place = { identityId: "i", conversationId: "c" };
  const joined = (list: readonly MessageFact[]) =>
    list.reduce<MessageState>((state, fact) => {
      joinMessage(state, fact, place);
      return state;
    }, skeleton(receivedAt));
  // Of "live" and "echo" only one can be true of a message: both are as good, and Meta sends one.
  const pool = facts.filter((fact) => fact.source !== "echo");

  fc.assert(
    fc.property(
      fc.subarray(pool, { minLength: 1 }),
      fc.array(fc.nat(20), { maxLength: 6 }),
      fc.infiniteStream(fc.nat()),
      (told, again, random) => {
        const repeated = [...told, ...again.map((at) => told[at % told.length] as MessageFact)]
          .map((fact) => ({ fact, at: random.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ fact }) => fact);

        expect(joined(repeated)).toEqual(joined(told));
      },
    ),
  );
});
