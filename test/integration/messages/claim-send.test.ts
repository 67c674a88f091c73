import { describe, expect, test } from "vitest";
import { pauseBucket } from "#core/store/buckets.ts";
import { releaseLeases } from "#core/store/leases.ts";
import { wabaTokenContext } from "#core/store/sender-numbers.ts";
import { freshDatabase } from "#test/support/database.ts";
import { outbox, type Place } from "#test/support/outbox.ts";
import { seedConversation, testSealer } from "#test/support/seed.ts";
import { until } from "#test/support/until.ts";

const database = await freshDatabase();
const { meta, start, newConversation, claimAs, queue, applyStatus, sendOf, stateOf, callsOf } = await outbox(database);

/** Meta shows the phone with somebody else, who has just got it. */
async function recycle(at: Place): Promise<void> {
  const stranger = await seedConversation(database, at);
  await database.owner.query("insert into identity_attribute values ($1, $2, 'phone', $3, now(), now())", [
    at.workspaceId,
    stranger.identityId,
    at.phone,
  ]);
}

describe("a phone that changes hands between queue and claim", () => {
  test("is not written to: the reply goes to the person's BSUID", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    await recycle(at);

    start();
    await until(async () => (await stateOf(sendId)) === "confirmed");

    expect(callsOf(at)).toMatchObject([{ body: { recipient: at.bsuid } }]);
    expect(callsOf(at)[0]?.body).not.toHaveProperty("to");
    expect(await sendOf(sendId)).toMatchObject({ recipient_phone: null, recipient_bsuid: at.bsuid });
  });

  test("stays theirs no more when they write again, hiding it", async () => {
    const at = await newConversation();
    await recycle(at);
    await database.owner.query("update conversation set last_live_inbound_at = now() where id = $1", [
      at.conversationId,
    ]);
    const sendId = await queue(at);

    const claim = await claimAs("one", at);

    expect(claim?.claimed?.send).toMatchObject({ id: sendId, recipientBsuid: at.bsuid });
    expect(claim?.claimed?.send).not.toHaveProperty("recipientPhone");
  });

  test("is refused in words when the person has no BSUID", async () => {
    const at = await newConversation();
    await database.owner.query("update identity set kind = 'phone', key = $2 where id = $1", [at.identityId, at.phone]);
    const sendId = await queue(at);
    await recycle(at);

    start();
    await until(async () => (await stateOf(sendId)) === "refused");

    expect(await sendOf(sendId)).toMatchObject({ refusal: { code: "no_recipient" } });
    expect(callsOf(at)).toEqual([]);
  });

  test("is not written to when Meta says that somebody moved to it", async () => {
    const at = await newConversation();
    await queue(at);
    const stranger = await seedConversation(database, at);
    await database.owner.query(
      `insert into number_change (workspace_id, portfolio_key, wamid, phone, from_bsuid, changed_at)
       values ($1, $2, 'wamid.moved', $3, $4, now())`,
      [at.workspaceId, `waba:${at.wabaId}`, at.phone, stranger.bsuid],
    );

    expect((await claimAs("one", at))?.claimed?.send).not.toHaveProperty("recipientPhone");
  });

  test("is written to when its new holder is the same person", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    await recycle(at);
    await database.owner.query("update identity set person_id = $2 where workspace_id = $1", [
      at.workspaceId,
      at.personId,
    ]);

    expect((await claimAs("one", at))?.claimed?.send).toMatchObject({ id: sendId, recipientPhone: at.phone });
  });
});

describe("the token is the one of the claim", () => {
  test("also when the account was connected again while the number waited for its limit", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    await pauseBucket(database.worker, { name: `send:${at.numberId}`, capacity: 1, perSecond: 80 }, 400);

    start();
    await until(async () => (await database.owner.query("select from lease")).rowCount !== 0);
    const token = testSealer.seal("renewed", wabaTokenContext(at.workspaceId, at.wabaId));
    await database.owner.query("update waba set token_sealed = $2 where waba_id = $1", [at.wabaId, token]);
    meta.addNumber({ ...at, displayPhone: "919900011223", token: "renewed" });
    await until(async () => (await stateOf(sendId)) !== "queued");
    await until(async () => (await stateOf(sendId)) === "confirmed");

    expect(callsOf(at)).toHaveLength(1);
  });

  test("also when the account was disconnected meanwhile: refused, and never claimed", async () => {
    const at = await newConversation();
    const sendId = await queue(at);
    await pauseBucket(database.worker, { name: `send:${at.numberId}`, capacity: 1, perSecond: 80 }, 400);

    start();
    await until(async () => (await database.owner.query("select from lease")).rowCount !== 0);
    await database.owner.query("update waba set token_sealed = null where waba_id = $1", [at.wabaId]);
    await until(async () => (await stateOf(sendId)) === "refused");

    expect(await sendOf(sendId)).toMatchObject({ attempts: 0, refusal: { code: "reconnect" } });
  });
});

describe("one message of a conversation at a time, over all processes:", () => {
  async function firstIsCalledByOne() {
    const at = await newConversation();
    const [first, second] = [await queue(at, "First"), await queue(at, "Second")];
    expect((await claimAs("one", at))?.claimed?.send.id).toBe(first);
    await releaseLeases(database.worker, [`send:${at.numberId}`], "one");
    return { at, first, second };
  }

  test("while one calls, another claims nothing", async () => {
    const { at } = await firstIsCalledByOne();

    expect(await claimAs("two", at)).toEqual({ refused: 0 });
  });

  test("once Meta took the first, another claims the second", async () => {
    const { at, first, second } = await firstIsCalledByOne();

    await applyStatus(at, first, "wamid.first");

    expect((await claimAs("two", at))?.claimed?.send.id).toBe(second);
  });

  test("a call that was killed holds the second up no longer than a call may take", async () => {
    const { at, first, second } = await firstIsCalledByOne();
    const { call_until: callUntil, claimed_at: claimedAt } = await sendOf(first);
    expect(callUntil - claimedAt).toBeLessThan(20_000);

    await database.owner.query("update send set call_until = now() where id = $1", [first]);

    expect((await claimAs("two", at))?.claimed?.send.id).toBe(second);
  });
});
