import { type DestinationStream, type Logger, pino } from "pino";

export type Log = Logger;

export type LogLevel = "silent" | "fatal" | "error" | "warn" | "info" | "debug" | "trace";

/** Fields that must never be printed, wherever they hang (up to three levels deep). */
const SECRET_FIELDS = [
  "authorization",
  "cookie",
  "token",
  "access_token",
  "accessToken",
  "refresh_token",
  "refreshToken",
  "secret",
  "client_secret",
  "clientSecret",
  "appSecret",
  "password",
  "pin",
  "code",
  "connectionString",
  "phone",
  "wa_id",
  "waId",
  "from",
  "to",
  "body",
  "text",
  "caption",
] as const;

const DEPTHS = ["", "*.", "*.*."];

/** Events with fields, one JSON object per line: `log.info({ installId, wamid }, "status applied")`. */
export function makeLog(level: LogLevel, destination?: DestinationStream): Log {
  const options = {
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: DEPTHS.flatMap((depth) => SECRET_FIELDS.map((field) => depth + field)), censor: "[redacted]" },
    serializers: { err: describeError, error: describeError },
  };
  return destination ? pino(options, destination) : pino(options);
}

interface DescribedError {
  type: string;
  message: string;
  /** Not named `code`: that field is redacted, because OAuth codes are secrets. */
  reason?: string;
  stack?: string;
  cause?: DescribedError;
}

/** Keeps what explains an error. Its other properties are dropped: pg puts row values into `detail` and `where`. */
function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) return { type: typeof error, message: String(error) };
  const described: DescribedError = { type: error.name, message: error.message };
  if ("code" in error && typeof error.code === "string") described.reason = error.code;
  if (error.stack !== undefined) described.stack = error.stack;
  if (error.cause !== undefined && depth < 3) described.cause = describeError(error.cause, depth + 1);
  return described;
}
