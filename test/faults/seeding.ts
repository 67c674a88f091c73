import type { Cast, CastNumber, CastWorkspace } from "./cast.ts";
import type { Owner } from "./database-server.ts";

/** Connects everybody of the cast but the late number. */
export async function connectCast(owner: Owner, { workspaces }: Cast): Promise<void> {
  for (const workspace of workspaces) {
    const { workspaceId, wabaId, portfolioKey } = workspace;
    await owner.ask("insert into workspace (workspace_id, name) values ($1, 'Faults')", [workspaceId]);
    await owner.ask("insert into waba (workspace_id, waba_id, portfolio_key) values ($1, $2, $3)", [
      workspaceId,
      wabaId,
      portfolioKey,
    ]);
    for (const number of workspace.numbers) if (!number.isLate) await connectNumber(owner, workspace, number);
  }
}

export async function connectLateNumber(owner: Owner, { workspaces }: Cast): Promise<void> {
  for (const workspace of workspaces)
    for (const number of workspace.numbers) if (number.isLate) await connectNumber(owner, workspace, number);
}

async function connectNumber(owner: Owner, workspace: CastWorkspace, number: CastNumber): Promise<void> {
  // Asked again when the database was killed meanwhile: once is enough.
  await owner.ask(
    `insert into business_number (workspace_id, waba_id, phone_number_id, display_phone, is_coexistence)
     values ($1, $2, $3, $4, true) on conflict do nothing`,
    [workspace.workspaceId, workspace.wabaId, number.phoneNumberId, number.displayPhone],
  );
}
