/** Who is asking, proven. Routes see nothing of how. */
export interface Caller {
  workspaceId: string;
  /** `hubspot:142`, `console:owner`: written to the audit and onto messages. */
  agent: string;
  /** Set for callers inside a CRM: they reach only what is linked to a record of this install. */
  install?: { crm: string; installId: string };
}
