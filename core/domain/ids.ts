import { z } from "zod";

/** A business that uses Triveni: the tenant. */
export const WorkspaceId = z.uuid().brand<"WorkspaceId">();
export type WorkspaceId = z.infer<typeof WorkspaceId>;

/** One CRM account connected to a workspace. */
export const InstallId = z.uuid().brand<"InstallId">();
export type InstallId = z.infer<typeof InstallId>;

export const ConversationId = z.uuid().brand<"ConversationId">();
export type ConversationId = z.infer<typeof ConversationId>;

export const IdentityId = z.uuid().brand<"IdentityId">();
export type IdentityId = z.infer<typeof IdentityId>;

/** One try to send one message; it travels to Meta and back as `biz_opaque_callback_data`. */
export const SendId = z.uuid().brand<"SendId">();
export type SendId = z.infer<typeof SendId>;
