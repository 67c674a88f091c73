/**
 * Reading what Meta sends without trusting its shape: a field that is absent, empty or of the wrong type reads as
 * undefined, and nothing throws. Schemas would refuse a whole message for one odd field; here only that field is lost,
 * and the delivery keeps its bytes.
 */
export type Wire = Readonly<Record<string, unknown>>;

const empty: Wire = Object.freeze({});

export function object(value: unknown): Wire {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Wire) : empty;
}

export function isObject(value: unknown): value is Wire {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Non-empty text; a number is taken as its digits. */
export function text(value: unknown): string | undefined {
  if (typeof value === "string") return value === "" ? undefined : value;
  return typeof value === "number" && Number.isFinite(value) ? String(value) : undefined;
}

const idBytesMax = 512;

/** Text that is used as a key. Longer than any id of Meta's is no id: an index could not hold it. */
export function id(value: unknown): string | undefined {
  const read = text(value);
  return read !== undefined && Buffer.byteLength(read) <= idBytesMax ? read : undefined;
}

export function number(value: unknown): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : undefined;
}

/** A whole number that fits PostgreSQL's integer. */
export function integer(value: unknown): number | undefined {
  const read = number(value);
  return read !== undefined && Math.abs(read) < 2 ** 31 ? Math.trunc(read) : undefined;
}

const secondsMax = 1e11; // what is larger (year 5138) can only be milliseconds

/**
 * Meta's timestamps are seconds as text or number; milliseconds have been seen. A moment that cannot be read, lies
 * after the receipt or before WhatsApp existed becomes the receipt, so that no window opens later than we heard of it.
 */
export function moment(value: unknown, receivedAt: Date): Date {
  const given = number(value);
  if (given === undefined) return receivedAt;
  const ms = given > secondsMax ? given : given * 1000;
  const isBelievable = ms >= Date.UTC(2009, 0) && ms <= receivedAt.getTime();
  return isBelievable ? new Date(Math.trunc(ms)) : receivedAt;
}

/** Sets a key only when there is a value: exact optional properties stay absent. */
export function given<T extends object>(entries: { [K in keyof T]: T[K] | undefined }): T {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(entries)) if (value !== undefined) result[key] = value;
  return result as T;
}
