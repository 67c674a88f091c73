import { tidy } from "./tidy.ts";
import { id, isObject, list, object, type Wire } from "./wire.ts";

/** One item inside a delivery. `index` counts over all entries, and names the change for parking and for `trace`. */
export interface Change {
  index: number;
  field: string;
  value: Wire;
  /** `entry.id`: the WABA for most fields, the partner's business for some account updates. */
  entryId: string | undefined;
  entryTime: unknown;
}

export type ReadDelivery = { changes: Change[] } | { unreadable: string };

const bracketsMax = 200_000;
const changesMax = 20_000; // Meta promises at most 1,000

/**
 * Turns the signed bytes of a delivery into its changes. Never throws: what is not JSON, too deep or an array bomb
 * comes back as `unreadable` with the reason, to be parked.
 */
export function readDelivery(bytes: Buffer): ReadDelivery {
  if (bytes.length > 256 * 1024 && countBrackets(bytes) > bracketsMax) return { unreadable: "too many values" };
  const raw = bytes.toString("utf8");
  let payload: unknown;
  try {
    payload = parseKeepingLongNumbers(raw);
  } catch {
    return { unreadable: "not JSON" };
  }
  const unusable = tidy(payload, raw.includes("\\u"));
  if (unusable) return { unreadable: unusable };
  if (!isObject(payload) || !Array.isArray(payload["entry"])) return { unreadable: "no entry list" };
  const changes = changesOf(payload);
  return changes.length > changesMax ? { unreadable: "too many changes" } : { changes };
}

function changesOf(payload: Wire): Change[] {
  const changes: Change[] = [];
  for (const item of list(payload["entry"])) {
    const entry = object(item);
    for (const one of list(entry["changes"])) {
      const change = object(one);
      changes.push({
        index: changes.length,
        field: id(change["field"]) ?? "",
        value: object(change["value"]),
        entryId: id(entry["id"]),
        entryTime: entry["time"],
      });
    }
  }
  return changes;
}

// Template ids are printed as integers and may pass 2^53: such numbers are kept as their text.
const longNumber = /[:[,]\s*-?\d{16}/;

function parseKeepingLongNumbers(raw: string): unknown {
  if (!longNumber.test(raw)) return JSON.parse(raw);
  const keep = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && context?.source && /^-?\d+$/.test(context.source)
      ? context.source
      : value;
  return JSON.parse(raw, keep as (key: string, value: unknown) => unknown);
}

function countBrackets(bytes: Buffer): number {
  let count = 0;
  for (const byte of bytes) if (byte === 0x5b || byte === 0x7b) count += 1;
  return count;
}
