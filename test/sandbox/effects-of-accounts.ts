import { changedColumns, type RowChange } from "./row-changes.ts";
import { summary } from "./sentence.ts";

export function accountEventEffects({ before, after }: RowChange): string[] {
  if (!after || before) return ["account event changed"];
  return [`account event ${after["object_type"]} ${after["event"] ?? after["field"]}`];
}

export function accountFactEffects({ before, after }: RowChange): string[] {
  if (!after) return ["account fact gone"];
  // The same word, said again later, is no news.
  if (before && !changedColumns(before, after).includes("value")) return [];
  return [`account ${after["object_type"]} ${after["object_id"]} ${after["aspect"]}=${summary(after["value"])}`];
}

export function historyChunkEffects({ before, after }: RowChange): string[] {
  if (!after) return ["history chunk gone"];
  const progress = after["progress"] === null ? "" : ` ${after["progress"]} %`;
  const messages = after["messages"] === 1 ? "1 message" : `${after["messages"]} messages`;
  return [`history chunk ${before ? "changed " : ""}${after["phase"]}/${after["chunk_order"]}${progress}, ${messages}`];
}

export function keptEffects({ before, after }: RowChange): string[] {
  if (!after || before) return ["kept change changed"];
  return [`kept ${after["field"]}: ${after["reason"]}`];
}

export function parkedEffects({ before, after }: RowChange): string[] {
  if (!after || before) return ["parked item changed"];
  return [`parked: ${after["reason"]}`];
}

export function unroutedEffects({ after }: RowChange): string[] {
  return [after ? "unrouted" : "unrouted no more"];
}
