import type { Row } from "#core/store/message-trace.ts";

const nameWidth = 10;

/** `message     id 12, workspace 0199…, sentAt 2026-11-22T10:00:00.000Z`: what is absent or false is left out. */
export function lineOf(name: string, row: Row): string {
  const told = Object.entries(row).flatMap(([key, value]) => {
    if (value === null || value === false) return [];
    if (value === true) return [wordsOf(key)];
    return [`${wordsOf(key)} ${value instanceof Date ? value.toISOString() : value}`];
  });
  return `${name.padEnd(nameWidth)}  ${told.join(", ")}`;
}

/** "sentAt" reads "sent at". */
function wordsOf(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
