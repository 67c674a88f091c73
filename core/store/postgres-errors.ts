/** Class 08 connection, 53 out of resources, 57P0x server shutting down; serialization failure and deadlock. */
const TRANSIENT_STATE = /^(08|53|57P0|40001$|40P01$)/;

/** Class 22 data, 23 constraint, 54 too large: the same row fails again however often it is tried. */
const DATA_STATE = /^(22|23|54)/;

const CONNECTION_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "ETIMEDOUT",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "ECONNABORTED",
]);

/** pg has no codes for these: the words are its own, in client.js and pg-pool. */
const CONNECTION_WORDS =
  /Connection terminated|Client has encountered a connection error|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client was closed/;

/** SQLSTATE of a PostgreSQL error, undefined for any other error. */
export function sqlStateOf(error: unknown): string | undefined {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && error instanceof Error && "severity" in error
    ? code
    : undefined;
}

/** True when trying again later may succeed without a change of ours: the server was away, full, or chose a victim. */
export function isTransient(error: unknown): boolean {
  const state = sqlStateOf(error);
  if (state !== undefined) return TRANSIENT_STATE.test(state);
  if (error instanceof AggregateError) return error.errors.some(isTransient);
  const code = codeOf(error);
  if (code !== undefined && CONNECTION_CODES.has(code)) return true;
  return error instanceof Error && CONNECTION_WORDS.test(error.message);
}

/** True when the data itself is refused, deterministically: the item is to be parked, alone, with this reason. */
export function isDataError(error: unknown): boolean {
  const state = sqlStateOf(error);
  return state !== undefined && DATA_STATE.test(state);
}

/** Why data was refused, in names of ours only: PostgreSQL's own words may quote a customer's. */
export function refusalOf(error: unknown): string {
  const state = sqlStateOf(error);
  if (state === undefined || !(error instanceof Error)) return error instanceof Error ? error.name : typeof error;
  const { table, column, constraint, routine } = error as Error & Record<string, string | undefined>;
  return [state, table, column, constraint ?? routine].filter(Boolean).join(" ");
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}
