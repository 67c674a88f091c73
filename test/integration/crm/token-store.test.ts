import { afterAll, expect, test } from "vitest";
import type { Tokens } from "#core/crm/context.ts";
import { markUninstalled } from "#core/store/installs.ts";
import { asWorkspaces } from "#core/store/transaction.ts";
import { tokenStore } from "#core/usecases/crm/token-store.ts";
import { startHubspotSimulator } from "#test/sandbox/hubspot/simulator.ts";
import { freshDatabase } from "#test/support/database.ts";
import { crmWorker, makeStage, seals } from "./stage.ts";

const database = await freshDatabase();
const hubspot = await startHubspotSimulator();
afterAll(() => hubspot.close());

async function install(hubId: number) {
  const stage = await makeStage(database, hubspot.addPortal({ hubId }));
  return { ...stage, crm: "hubspot", crmAccountId: String(hubId) };
}

test("an uninstalled account has no tokens to read", async () => {
  const gone = await install(1);
  await asWorkspaces(database.worker, [gone.workspaceId], (tx) =>
    markUninstalled(tx, gone.workspaceId, gone.installId, new Date()),
  );

  await expect(tokenStore(crmWorker(database, hubspot), gone, "me").read()).rejects.toMatchObject({
    code: "crm.disconnected",
    message: `Install ${gone.installId} has no tokens: connect hubspot account 1 again.`,
  });
});

test("sealed tokens that were copied to another install do not open", async () => {
  const [from, to] = [await install(2), await install(3)];
  await database.owner.query(
    "update install set tokens_sealed = (select tokens_sealed from install where id = $1) where id = $2",
    [from.installId, to.installId],
  );

  await expect(tokenStore(crmWorker(database, hubspot), to, "me").read()).rejects.toMatchObject({
    code: "seal.broken",
  });
});

test("of many processes that need a new token at once, one asks for it and all get it", async () => {
  const one = await install(4);
  let asked = 0;
  const refresh = async (current: Tokens): Promise<Tokens> => {
    asked++;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return { ...current, accessToken: "new", expiresAt: new Date(Date.now() + 1_800_000) };
  };
  const stores = Array.from({ length: 4 }, (_, at) =>
    tokenStore(crmWorker(database, hubspot, { sealer: seals }), one, `process ${at}`),
  );

  const renewed = await Promise.all(
    stores.flatMap((store) => [store, store]).map(async (store) => store.renew(await store.read(), refresh)),
  );

  expect(asked).toBe(1);
  expect(new Set(renewed.map(({ accessToken }) => accessToken))).toEqual(new Set(["new"]));
});
