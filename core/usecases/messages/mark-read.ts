import type pg from "pg";
import type { Clock } from "#core/kit/clock.ts";
import { Failure } from "#core/kit/failure.ts";
import { insertAuditEntry } from "#core/store/audit.ts";
import { lockConversation, moveReadPosition } from "#core/store/reply-facts.ts";
import { asWorkspace } from "#core/store/transaction.ts";

export interface ReadPosition {
  workspaceId: string;
  conversationId: string;
  withinInstall?: string;
  agent: string;
  /** Time of the newest message the agent saw. */
  through: Date;
  requestId: string;
}

/** Moves the team's read position forward, never back and never beyond the newest message. */
export async function markRead({ app, clock }: { app: pg.Pool; clock: Clock }, position: ReadPosition): Promise<void> {
  const { workspaceId, conversationId, withinInstall, agent: actor, through, requestId } = position;
  await asWorkspace(app, workspaceId, async (tx) => {
    if ((await lockConversation(tx, workspaceId, conversationId, withinInstall)) === undefined) {
      throw new Failure(
        "missing",
        "conversation.missing",
        `There is no conversation ${conversationId} here. Reload the page.`,
      );
    }
    if (!(await moveReadPosition(tx, workspaceId, conversationId, through))) return;
    const subject = `conversation:${conversationId}`;
    await insertAuditEntry(tx, workspaceId, {
      actor,
      action: "conversation.read",
      subject,
      requestId,
      at: clock.now(),
    });
  });
}
