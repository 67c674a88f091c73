/** How many messages lie where in a store of years: a few very long conversations, many of some pages, and most short. */
export interface LongStoreShape {
  messages: number;
  workspaces: number;
  kinds: readonly { conversations: number; size: number }[];
  /** When message 0 would have been sent, and how far apart they are: microseconds, the first one since 1970. */
  fromUs: bigint;
  stepUs: bigint;
}

const KINDS = [
  { share: 0.1, size: 50_000 },
  { share: 0.6, size: 200 },
  { share: 0.3, size: 30 },
];
const SPAN_US = 2n * 365n * 86_400_000_000n;

/** A prime that divides no number of messages here, so that each slot is met once. */
export const STRIDE = 7_368_787n;

/** Two years of messages up to now. */
export function longStoreShape(messages: number, workspaces: number, nowMs: number): LongStoreShape {
  const kinds = KINDS.map(({ share, size }) => {
    const own = Math.round(messages * share);
    const fitting = Math.min(size, own);
    return { conversations: Math.floor(own / fitting), size: fitting };
  });
  const made = kinds.reduce((sum, { conversations, size }) => sum + conversations * size, 0);
  const stepUs = SPAN_US / BigInt(made);
  return { messages: made, workspaces, kinds, fromUs: BigInt(nowMs) * 1000n - stepUs * BigInt(made + 1), stepUs };
}

/** The conversation of message `serial` (1 to `messages`). Neighbours in time belong to different ones, as in life. */
export function conversationOf({ messages, kinds }: LongStoreShape, serial: number): number {
  let slot = Number((BigInt(serial) * STRIDE) % BigInt(messages));
  let first = 0;
  for (const { conversations, size } of kinds) {
    if (slot < conversations * size) return first + Math.floor(slot / size);
    slot -= conversations * size;
    first += conversations;
  }
  throw new RangeError(`Message ${serial} is not among the ${messages}.`);
}

/** Which of the kinds a conversation is of. */
export function kindOf({ kinds }: LongStoreShape, conversation: number): number {
  let first = 0;
  for (const [kind, { conversations }] of kinds.entries()) {
    first += conversations;
    if (conversation < first) return kind;
  }
  throw new RangeError(`There is no conversation ${conversation}.`);
}

export function conversationCount({ kinds }: LongStoreShape): number {
  return kinds.reduce((sum, { conversations }) => sum + conversations, 0);
}

/** When message `serial` was sent, in microseconds since 1970. */
export function sentAtUs({ fromUs, stepUs }: LongStoreShape, serial: number): bigint {
  return fromUs + stepUs * BigInt(serial);
}
