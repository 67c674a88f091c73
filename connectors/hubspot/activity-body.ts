import { withMarker } from "#core/crm/marker.ts";
import type { ActivityAuthor, CrmActivity } from "#core/crm/record.ts";

/** WhatsApp texts end at 4,096 characters; HubSpot's body at about 65,000, after escaping. */
const TEXT_CHARS_MAX = 10_000;

const SENDERS: Record<Exclude<ActivityAuthor, "customer" | "phone">, string> = {
  agent: "an agent",
  campaign: "a campaign",
  workflow: "a workflow",
  automation: "an automation",
  api: "the API",
  import: "an import",
};

/**
 * What a rep reads on the timeline. HubSpot has no field for direction, kind or our id, and shows the body as HTML:
 * so the first words say who wrote, the last ones are the marker, and what people wrote is escaped.
 */
export function activityBody(activity: CrmActivity): string {
  const text = activity.text?.slice(0, TEXT_CHARS_MAX).toWellFormed().replaceAll("\0", "");
  const kind = activity.type === "text" ? undefined : `[${activity.type}]`;
  const said = activity.isRevoked ? "[deleted]" : [kind, text].filter(Boolean).join(" ");
  return withMarker(`${escaped(prefixOf(activity))} ${escaped(said)}`.trimEnd(), activity.marker);
}

function prefixOf({ author }: CrmActivity): string {
  if (author === "customer") return "Received:";
  if (author === "phone") return "Sent from phone:";
  // What we hold of an agent is an id such as `hubspot:142`, which tells a rep nothing.
  return `Sent by ${SENDERS[author]}:`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(/\r?\n/g, "<br>");
}
