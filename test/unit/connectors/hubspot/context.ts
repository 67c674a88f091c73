import type { BucketShape, ConnectorContext, Tokens } from "#core/crm/context.ts";
import { makeLog } from "#core/kit/log.ts";

export interface TestContext extends ConnectorContext {
  paused: { name: string; ms: number }[];
  taken: string[];
  stored: Tokens;
}

/** A context with fresh tokens that never waits, and remembers what it was asked. */
export function testContext(tokens: Partial<Tokens> = {}): TestContext {
  const now = new Date("2026-11-22T10:00:00Z");
  const context: TestContext = {
    workspaceId: "ws_1",
    installId: "ins_42",
    crmAccountId: "777",
    log: makeLog("silent"),
    clock: { now: () => now, monotonicMs: () => 0 },
    paused: [],
    taken: [],
    stored: { accessToken: "good", refreshToken: "refresh", expiresAt: new Date(now.getTime() + 1_800_000), ...tokens },
    tokens: {
      read: async () => context.stored,
      renew: async (_old, refresh) => {
        context.stored = await refresh(context.stored);
        return context.stored;
      },
    },
    bucket: {
      take: async ({ name }: BucketShape) => void context.taken.push(name),
      pause: async ({ name }: BucketShape, ms: number) => void context.paused.push({ name, ms }),
    },
  };
  return context;
}
