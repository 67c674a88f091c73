import { shownStatus } from "#core/domain/message-status.ts";
import { changedColumns, type RowChange } from "./row-changes.ts";
import { quoted } from "./sentence.ts";
import type { Row } from "./store-rows.ts";

/** Columns that say how good our knowledge is, not what is known; and those that sentences of their own speak of. */
const unspoken = [
  ...["version", "received_at", "opens_window", "base_rank", "content_rank", "status_rank", "failure_code"],
  ...["edited_at", "edit_wamid", "edited_body", "edited_content", "revoked_at"],
];

/** A message heard of for the first time, filled, changed; and what is shown of it: ticks, edit, revoke. */
export function messageEffects({ before, after }: RowChange): string[] {
  if (!after) return ["message gone"];
  return [
    ...tellMessage(before, after),
    ...tellStatus(before, after),
    ...tellEdit(before, after),
    ...tellRevoke(before, after),
  ];
}

function tellMessage(before: Row | undefined, after: Row): string[] {
  const isSkeleton = after["type"] === null;
  if (!before) return [isSkeleton ? ["skeleton", after["direction"]].filter(Boolean).join(" ") : sentenceOf(after)];
  if (before["type"] === null && !isSkeleton) return [`${sentenceOf(after)} (was a skeleton)`];
  const columns = changedColumns(before, after, unspoken);
  return columns.length > 0 ? [`message changed: ${columns.join(", ")}`] : [];
}

function sentenceOf(row: Row): string {
  const words = ["message", row["direction"], row["type"], row["origin"]].filter(Boolean).join(" ");
  const body = typeof row["body"] === "string" ? ` ${quoted(row["body"])}` : "";
  const parts = [...Object.keys(row["content"] ?? {}), ...(row["quoted_wamid"] === null ? [] : ["quote"])].sort();
  const place = row["conversation_id"] === null ? " without a conversation" : "";
  return `${words}${body}${parts.map((part) => ` +${part}`).join("")}${place}`;
}

function tellStatus(before: Row | undefined, after: Row): string[] {
  const failure = after["failure_code"] === null ? "" : String(after["failure_code"]);
  const isNewFailure = failure !== "" && (before?.["failure_code"] ?? null) === null;
  if ((before?.["status_rank"] ?? 0) === after["status_rank"]) return isNewFailure ? [`failure code ${failure}`] : [];
  const name = shownStatus(Number(after["status_rank"])) ?? "nothing";
  return [["shown status", name, name === "failed" && failure].filter(Boolean).join(" ")];
}

function tellEdit(before: Row | undefined, after: Row): string[] {
  if ((before?.["edit_wamid"] ?? null) === after["edit_wamid"]) return [];
  return [withBody("shown edit", after["edited_body"])];
}

function tellRevoke(before: Row | undefined, after: Row): string[] {
  const was = before?.["revoked_at"] ?? null;
  if (was === after["revoked_at"]) return [];
  return [was === null ? "revoke" : "revoke at another time"];
}

export function statusEffects({ before, after }: RowChange): string[] {
  if (!after) return ["status gone"];
  const code = (after["errors"] as { code?: number }[] | null)?.[0]?.code;
  const words = ["status", after["status"], code, after["participant"] === "" ? undefined : "of a participant"];
  const sentence = words.filter(Boolean).join(" ");
  return [before ? `${sentence} changed: ${changedColumns(before, after).join(", ")}` : sentence];
}

export function chargeEffects({ before, after }: RowChange): string[] {
  if (!after) return ["charge gone"];
  return [`charge ${before ? "changed " : ""}${after["pricing_type"]}/${after["pricing_category"]}`];
}

export function editEffects({ before, after }: RowChange): string[] {
  return [before ? "edit changed" : withBody("edit", after?.["body"])];
}

export function reactionEffects({ after }: RowChange): string[] {
  if (!after) return ["reaction gone"];
  const who = after["reactor"] === "business" ? " of business" : "";
  return [after["emoji"] === null ? `reaction taken back${who}` : `reaction ${after["emoji"]}${who}`];
}

function withBody(words: string, body: unknown): string {
  return typeof body === "string" ? `${words} ${quoted(body)}` : words;
}
