import { readFileSync } from "node:fs";

/** What each file must do, in the sentences of effects.ts. Their order within a file plays no part. */
export type EffectTable = Readonly<Record<string, readonly string[]>>;

export interface TableDifference {
  file: string;
  missing: string[];
  unexpected: string[];
}

export function readEffectTable(file: string): EffectTable {
  return JSON.parse(readFileSync(file, "utf8")) as EffectTable;
}

/** Files that did other than expected; a file that only one of the two knows is a difference even when it does nothing. */
export function compareTables(expected: EffectTable, actual: EffectTable): TableDifference[] {
  const files = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort();
  return files.flatMap((file) => {
    const missing = without(expected[file] ?? [], actual[file] ?? []);
    const unexpected = without(actual[file] ?? [], expected[file] ?? []);
    if (!(file in actual)) missing.unshift("(this file was not replayed)");
    if (!(file in expected)) unexpected.unshift("(this file is not in the table)");
    return missing.length + unexpected.length > 0 ? [{ file, missing, unexpected }] : [];
  });
}

export function differenceLines({ file, missing, unexpected }: TableDifference): string[] {
  return [file, ...missing.map((line) => `  - ${line}`), ...unexpected.map((line) => `  + ${line}`)];
}

/** The sentences of the first list that the second does not have, each as often as it is missing. */
function without(sentences: readonly string[], others: readonly string[]): string[] {
  const left = [...others];
  return sentences.filter((sentence) => {
    const at = left.indexOf(sentence);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}
