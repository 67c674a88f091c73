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

/** Files that did other than expected. A file that only one of the two knows differs by all its effects. */
export function compareTables(expected: EffectTable, actual: EffectTable): TableDifference[] {
  const files = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort();
  return files.flatMap((file) => {
    const missing = without(expected[file] ?? ["(the file is not replayed)"], actual[file] ?? []);
    const unexpected = without(actual[file] ?? [], expected[file] ?? []);
    const isUnknown = !(file in expected) || !(file in actual);
    return missing.length + unexpected.length > 0 || isUnknown ? [{ file, missing, unexpected }] : [];
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
