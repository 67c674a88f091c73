const depthMax = 64;
const nodesMax = 200_000;

const unstorable = /[\0\ud800-\udfff]/;

function tidyText(value: string): string {
  return unstorable.test(value) ? value.replaceAll("\0", "\ufffd").toWellFormed() : value;
}

/**
 * Mends parsed JSON in place so that PostgreSQL can hold it: NUL and lone surrogates become U+FFFD in every text and
 * key. Returns why the value is unusable (too deep, an array bomb), if it is. Walks without recursion, so depth cannot
 * end the process. JSON escapes are the only way such characters reach us: invalid UTF-8 is U+FFFD already.
 */
export function tidy(root: unknown, mayHoldEscapes: boolean): string | undefined {
  let level: unknown[] = [root];
  let nodes = 0;
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > depthMax) return "nested too deep";
    const next: unknown[] = [];
    for (const node of level) {
      if (typeof node !== "object" || node === null) continue;
      nodes += 1;
      if (nodes > nodesMax) return "too many values";
      if (Array.isArray(node)) tidyList(node, mayHoldEscapes, next);
      else tidyObject(node as Record<string, unknown>, mayHoldEscapes, next);
    }
    level = next;
  }
  return undefined;
}

function tidyList(node: unknown[], mayHoldEscapes: boolean, next: unknown[]): void {
  for (let at = 0; at < node.length; at++) {
    const value = node[at];
    if (typeof value === "object") next.push(value);
    else if (mayHoldEscapes && typeof value === "string") node[at] = tidyText(value);
  }
}

function tidyObject(node: Record<string, unknown>, mayHoldEscapes: boolean, next: unknown[]): void {
  for (const key in node) {
    const value = node[key];
    if (typeof value === "object") next.push(value);
    else if (mayHoldEscapes && typeof value === "string") node[key] = tidyText(value);
    if (mayHoldEscapes && unstorable.test(key)) {
      node[tidyText(key)] = node[key];
      delete node[key];
    }
  }
}
