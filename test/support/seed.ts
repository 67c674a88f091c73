import { randomBytes, randomUUID } from "node:crypto";
import { sealer, secretKey } from "#core/kit/seal.ts";
import { wabaTokenContext } from "#core/store/sender-numbers.ts";
import type { TestDatabase } from "./database.ts";

export const testKey = randomBytes(32).toString("base64");
export const testSealer = sealer([secretKey(testKey)]);

export interface SeededWorkspace {
  workspaceId: string;
  wabaId: string;
  numberId: string;
  phoneNumberId: string;
  installId: string;
  portalId: string;
  token: string;
}

const digits = () => String(randomBytes(6).readUIntBE(0, 6)).padStart(15, "1");

/** A business with one connected number and one HubSpot account. */
export async function seedWorkspace({ owner }: Pick<TestDatabase, "owner">): Promise<SeededWorkspace> {
  const [workspaceId, installId] = [randomUUID(), randomUUID()];
  const [wabaId, phoneNumberId, portalId, token] = [digits(), digits(), digits(), `token-${digits()}`];
  await owner.query("insert into workspace (workspace_id, name) values ($1, 'Test')", [workspaceId]);
  await owner.query("insert into waba (workspace_id, waba_id, portfolio_key, token_sealed) values ($1, $2, $3, $4)", [
    workspaceId,
    wabaId,
    `waba:${wabaId}`,
    testSealer.seal(token, wabaTokenContext(workspaceId, wabaId)),
  ]);
  const { rows } = await owner.query(
    `insert into business_number (workspace_id, phone_number_id, waba_id, display_phone)
     values ($1, $2, $3, '919900011223') returning id`,
    [workspaceId, phoneNumberId, wabaId],
  );
  await owner.query("insert into install (workspace_id, id, crm, crm_account_id) values ($1, $2, 'hubspot', $3)", [
    workspaceId,
    installId,
    portalId,
  ]);
  return { workspaceId, wabaId, numberId: rows[0].id, phoneNumberId, installId, portalId, token };
}

export interface SeededConversation {
  conversationId: string;
  identityId: string;
  personId: string;
  phone: string;
  bsuid: string;
  recordId: string;
}

interface ConversationOptions {
  /** Milliseconds since the customer last wrote; undefined: never. */
  lastInboundAgoMs?: number | undefined;
  /** Another identity of the same person. */
  personId?: string;
  numberId?: string;
  recordId?: string;
  isLinked?: boolean;
}

/** Somebody with a BSUID and a phone who wrote to the number, linked to a HubSpot contact. */
export async function seedConversation(
  { owner }: Pick<TestDatabase, "owner">,
  { workspaceId, wabaId, numberId, installId }: SeededWorkspace,
  options: ConversationOptions = {},
): Promise<SeededConversation> {
  const { lastInboundAgoMs = "lastInboundAgoMs" in options ? undefined : 60_000 } = options;
  const [conversationId, identityId] = [randomUUID(), randomUUID()];
  const personId = options.personId ?? identityId;
  const [bsuid, phone, recordId] = [`IN.${digits()}`, `91${digits().slice(0, 10)}`, options.recordId ?? digits()];
  const wroteAt = lastInboundAgoMs === undefined ? null : new Date(Date.now() - lastInboundAgoMs);
  await owner.query(
    `insert into identity (workspace_id, id, portfolio_key, kind, key, person_id) values ($1, $2, $3, 'bsuid', $4, $5)`,
    [workspaceId, identityId, `waba:${wabaId}`, bsuid, personId],
  );
  await owner.query(
    `insert into identity_attribute (workspace_id, identity_id, kind, value, first_seen_at, last_seen_at)
     values ($1, $2, 'phone', $3, now() - interval '9 days', now()), ($1, $2, 'name', 'Asha Menon', now(), now())`,
    [workspaceId, identityId, phone],
  );
  await owner.query(
    `insert into conversation (workspace_id, id, number_id, identity_id, last_live_inbound_at, last_message_at)
     values ($1, $2, $3, $4, $5, $5)`,
    [workspaceId, conversationId, options.numberId ?? numberId, identityId, wroteAt],
  );
  if (options.isLinked ?? true) {
    await owner.query(
      `insert into record_link (workspace_id, install_id, identity_id, record_type, record_id, linked_by, linked_at)
       values ($1, $2, $3, 'contact', $4, 'test', now())`,
      [workspaceId, installId, identityId, recordId],
    );
  }
  return { conversationId, identityId, personId, phone, bsuid, recordId };
}

export interface MessageOptions {
  direction?: "in" | "out";
  origin?: string;
  originId?: string;
  body?: string;
  sentAt?: Date;
  statusRank?: number;
  wamid?: string;
  more?: Record<string, unknown>;
}

/** Adds one message as apply would: version counted up under the conversation's lock. Returns its id. */
export async function seedMessage(
  { owner }: Pick<TestDatabase, "owner">,
  workspaceId: string,
  conversationId: string,
  options: MessageOptions = {},
): Promise<string> {
  const { direction = "in", body = "Hello", sentAt = new Date(), statusRank = 0, more = {} } = options;
  const columns = Object.keys(more);
  const { rows } = await owner.query(
    `with c as (update conversation set version = version + 1, last_message_at = greatest(last_message_at, $6)
       where workspace_id = $1 and id = $2 returning *)
     insert into message (workspace_id, conversation_id, number_id, identity_id, wamid, direction, origin, origin_id, type,
       body, sent_at, received_at, base_rank, content_rank, status_rank, version ${columns.map((name) => `, ${name}`).join("")})
     select $1, $2, c.number_id, c.identity_id, $3, $4, $5, $8, 'text', $7, $6, now(), 4, 5, $9, c.version
       ${columns.map((_, at) => `, $${at + 10}`).join("")} from c
     returning id`,
    [
      ...[workspaceId, conversationId, options.wamid ?? `wamid.${randomUUID()}`, direction],
      ...[
        options.origin ?? (direction === "in" ? "customer" : "phone"),
        sentAt,
        body,
        options.originId ?? null,
        statusRank,
      ],
      ...Object.values(more),
    ],
  );
  return rows[0].id;
}
