/** The CRM's nouns in neutral words. Wire names and ids of properties stay inside the connectors. */

/** A person as the CRM has them: a contact, a lead. `type` is the connector's own word for it. */
export interface CrmRecord {
  type: string;
  id: string;
}

/** Somebody on WhatsApp for whom a record is looked for. Any part may be missing; none alone is a key. */
export interface CrmPerson {
  /** Ours; never sent to the CRM. */
  personId: string;
  /** Digits with country code, newest first. */
  phones: string[];
  /** Business-scoped user ids, exactly as Meta wrote them, in a stable order. */
  bsuids: string[];
  /** What they call themselves. Hostile text is possible. */
  name?: string;
  /** An earlier try to make the record may have succeeded without our learning of it. */
  mayExist: boolean;
  /** Ids of records of other people who have or had one of these phones: never to be taken for this one. */
  strangersRecords: string[];
}

/** One message for the timeline of a record. */
export interface CrmActivity {
  /** Short and stable: the same message has the same marker for ever. The CRM keeps it where we can read it back. */
  marker: string;
  record: CrmRecord;
  author: ActivityAuthor;
  /** What Meta calls the kind of message: `text`, `image`, … */
  type: string;
  /** Text or caption; absent for media without one. */
  text?: string;
  isRevoked: boolean;
  sentAt: Date;
}

export type ActivityAuthor = "customer" | "phone" | "agent" | "campaign" | "workflow" | "automation" | "api" | "import";

/** Why the CRM will not take something, as a code of the words' catalogue; `detail` names what to change. No message text, no phone. */
export interface Refusal {
  code: `crm.${string}`;
  detail?: string;
}
