/** What one look found. A person reads it: no secret, no message text, no phone number in it. */
export interface Check {
  level: "ok" | "warn" | "FAIL";
  what: string;
  value: string;
  /** What to do about it; never absent but for "ok". */
  todo?: string;
}

export function lineOf({ level, what, value, todo }: Check): string {
  return `${level.padEnd(4)}  ${what}: ${value}.${todo === undefined ? "" : ` ${todo}`}`;
}

export const ok = (what: string, value: string): Check => ({ level: "ok", what, value });
export const warn = (what: string, value: string, todo: string): Check => ({ level: "warn", what, value, todo });
export const fail = (what: string, value: string, todo: string): Check => ({ level: "FAIL", what, value, todo });

/** "40 s", "12 min", "3 h", "9 days". */
export function age(since: Date, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - since.getTime()) / 1000));
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 2 * 3600) return `${Math.round(seconds / 60)} min`;
  return seconds < 2 * 86_400 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
