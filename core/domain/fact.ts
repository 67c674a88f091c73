/**
 * What a webhook (or our own send) tells us, in our words. Facts of one number may arrive in any order, any number
 * of times and in any batches: joining them must end in the same store, so each carries Meta's own time and ids.
 */

/** How Meta named somebody in one payload; any part may be absent, none is trusted to be a key by itself. */
export interface Naming {
  /** Ours, when we know already who is meant (our own send); then nothing else counts. */
  identityId?: string;
  bsuid?: string;
  parentBsuid?: string;
  /** Digits as Meta wrote them (`wa_id`). */
  phone?: string;
  username?: string;
  profileName?: string;
  /** Group id; the conversation is then the group's. */
  group?: string;
}

export type Direction = "in" | "out";
export type Origin = "customer" | "agent" | "phone" | "campaign" | "workflow" | "automation" | "import" | "api";

/** Where a message was heard of; decides which word wins when two sources tell of one message. */
export type MessageSource = "live" | "echo" | "send" | "history" | "history-media" | "hint";

export interface MessageFact {
  kind: "message";
  source: MessageSource;
  wamid: string;
  direction: Direction;
  origin: Origin;
  /** Agent, campaign or workflow id when we sent it. */
  originId?: string;
  /** The customer (or group) at the other end, whoever sent the message. */
  person: Naming;
  /** Who wrote inside a group; equals `person` elsewhere. */
  author?: Naming;
  type: string;
  /** Text, caption or button title: what a person reads and searches. */
  body?: string;
  content?: MessageContent;
  quotedWamid?: string;
  sentAt: Date;
  /** A live message of the customer that opens the customer service window (I7). */
  opensWindow: boolean;
  /** Outgoing history only: the status the phone showed. */
  shownStatus?: string;
}

/** What is not plain text; keys are ours, `raw` keeps what we have no shape for. */
export interface MessageContent {
  media?: {
    id?: string;
    mimeType?: string;
    sha256?: string;
    filename?: string;
    url?: string;
    voice?: true;
    animated?: true;
  };
  location?: { latitude?: number; longitude?: number; name?: string; address?: string; url?: string };
  contacts?: unknown[];
  reply?: { id?: string; title?: string; description?: string };
  button?: { payload?: string };
  flow?: { name?: string; response: unknown };
  order?: unknown;
  system?: { type?: string; phone?: string; bsuid?: string };
  referral?: unknown;
  product?: unknown;
  forwarded?: "once" | "many";
  unsupported?: { type?: string };
  errors?: unknown[];
  identityChange?: unknown;
  raw?: unknown;
  [key: string]: unknown;
}

export interface StatusFact {
  kind: "status";
  wamid: string;
  status: string;
  occurredAt: Date;
  participant?: string;
  recipient: Naming;
  /** `biz_opaque_callback_data` as it came back. */
  opaque?: string;
  pricing?: { type?: string; category?: string; model?: string; billable?: boolean };
  errors?: { code?: number; title?: string; details?: string }[];
}

export interface EditFact {
  kind: "edit";
  wamid: string;
  originalWamid: string;
  direction: Direction;
  person: Naming;
  type?: string;
  body?: string;
  content?: MessageContent;
  editedAt: Date;
}

export interface RevokeFact {
  kind: "revoke";
  wamid: string;
  originalWamid: string;
  direction: Direction;
  person: Naming;
  revokedAt: Date;
}

export interface ReactionFact {
  kind: "reaction";
  wamid: string;
  targetWamid: string;
  direction: Direction;
  person: Naming;
  author?: Naming;
  /** Absent: the reaction was taken back. */
  emoji?: string;
  reactedAt: Date;
}

/** A payload that names somebody without a message of theirs (contact info answered, preferences). */
export interface NamingFact {
  kind: "naming";
  person: Naming;
  seenAt: Date;
}

/** Meta says that one person got a new BSUID. */
export interface NewBsuidFact {
  kind: "new-bsuid";
  previous: string;
  current: string;
  reason: "user-id-update" | "changed-user-id";
  evidence: string;
  person: Naming;
  at: Date;
}

/** Meta says that one person moved to another phone number. */
export interface NewPhoneFact {
  kind: "new-phone";
  wamid: string;
  previous: Naming;
  phone: string;
  at: Date;
}

export interface PreferenceFact {
  kind: "preference";
  person: Naming;
  purpose: string;
  state: "granted" | "withdrawn";
  source: string;
  at: Date;
  evidence: Record<string, unknown>;
}

export interface AddressBookFact {
  kind: "address-book";
  phone?: string;
  bsuid?: string;
  username?: string;
  fullName?: string;
  firstName?: string;
  isRemoved: boolean;
  changedAt: Date;
}

export interface HistoryChunkFact {
  kind: "history-chunk";
  phase: number;
  chunkOrder: number;
  progress?: number;
  messages: number;
}

export type AccountObject = "waba" | "number" | "template" | "portfolio";

/** One event about an account object, and the aspects of the object it settles. */
export interface AccountFact {
  kind: "account";
  object: AccountObject;
  objectId: string;
  field: string;
  event?: string;
  payload: unknown;
  occurredAt: Date;
  aspects: {
    object: AccountObject;
    objectId: string;
    aspect: string;
    value: unknown;
    at: Date;
    keep: "newest" | "oldest";
  }[];
}

/** A change that is stored, shown and not used; `reason` is one of a named list. */
export interface KeptFact {
  kind: "kept";
  field: string;
  reason: string;
  payload: unknown;
}

export type Fact =
  | MessageFact
  | StatusFact
  | EditFact
  | RevokeFact
  | ReactionFact
  | NamingFact
  | NewBsuidFact
  | NewPhoneFact
  | PreferenceFact
  | AddressBookFact
  | HistoryChunkFact
  | AccountFact
  | KeptFact;
