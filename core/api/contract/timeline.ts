import { z } from "zod";
import { Exact } from "./characters.ts";

/** Screens must bear a value they do not know: the contract only ever grows. */
const Open = z.string().min(1);

/**
 * What a tick shows. Messages: accepted, sent, delivered, read, played, failed. Sends that are no message yet: waiting,
 * held, refused, cancelled, unconfirmed.
 */
export const TickName = Open;

export const Author = z.object({
  /** customer, agent, phone, campaign, workflow, automation, import, api. */
  kind: Open,
  /** Ready to be shown. */
  label: z.string(),
  /** Who of the team, as the CRM or console names them. */
  agent: z.string().optional(),
});

export const Refusal = z.object({ code: Open, title: z.string(), action: z.string() });

export const Item = z.object({
  /** Stable; an item that comes again replaces the one shown under its id. */
  id: z.string(),
  conversationId: z.uuid(),
  direction: z.enum(["in", "out"]),
  author: Author,
  type: Open,
  /** In place of a text that is not there: "Photo", "This message was deleted". */
  label: z.string(),
  /** Absent without a text, and when the message was revoked. It is text: never markup. */
  text: z.string().optional(),
  sentAt: z.iso.datetime(),
  /** Only outgoing messages have one. */
  tick: z.object({ name: TickName, label: z.string() }).optional(),
  refusal: Refusal.optional(),
  /** The CRM does not have it on its own timeline, and why. */
  unlogged: Refusal.optional(),
  isEdited: z.boolean(),
  isRevoked: z.boolean(),
  reactions: z.array(z.object({ by: z.enum(["business", "customer"]), emoji: z.string() })),
  quoted: z.object({ id: z.string(), text: z.string().optional(), label: z.string() }).optional(),
});
export type Item = z.infer<typeof Item>;

export const Window = z.object({
  isOpen: z.boolean(),
  closesAt: z.iso.datetime().optional(),
  closedAt: z.iso.datetime().optional(),
});

export const Conversation = z.object({
  id: z.uuid(),
  /** The business number it runs over, as a person reads it. */
  number: z.string(),
  person: z.object({
    id: z.uuid(),
    name: z.string().optional(),
    phone: z.string().optional(),
    username: z.string().optional(),
  }),
  window: Window,
  readThroughAt: z.iso.datetime().optional(),
  /** Hand it back with a reply: it says what was on the screen. */
  seenThrough: z.string(),
});
export type Conversation = z.infer<typeof Conversation>;

export const TimelinePage = z.object({
  conversations: z.array(Conversation),
  /** Newest first. */
  items: z.array(Item),
  /** Ids that are shown no more: the send has become the message `by`. */
  replaced: z.array(z.object({ id: z.string(), by: z.string().optional() })),
  /**
   * For the next older page; null when there is none. With `since` it is given only when a conversation joined the record:
   * page older from here again, since the older part of the new one lies behind it.
   */
  before: z.string().nullable().optional(),
  /** For everything that changes from here on: complete up to this page. */
  since: z.string(),
  /** With `since`: there is more already; ask again at once. */
  hasMore: z.boolean(),
});
export type TimelinePage = z.infer<typeof TimelinePage>;

export const SearchPage = z.object({ items: z.array(Item), hasMore: z.boolean() });
export type SearchPage = z.infer<typeof SearchPage>;

export const TimelineQuery = z.object({
  before: z.string().max(200).optional(),
  since: z.string().max(20_000).optional(),
  search: Exact.trim().min(2).max(200).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});
export type TimelineQuery = z.infer<typeof TimelineQuery>;
