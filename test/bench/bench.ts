/** One benchmark: says what it does as it goes, and ends with its figures. */
export interface Bench {
  /** How long it takes and what it needs, told before it starts. */
  about: string;
  run(say: Say): Promise<BenchResult>;
}

/** A line for the person who watches. */
export type Say = (line: string) => void;

export interface BenchResult {
  /** The one JSON object of the last line. */
  figures: Readonly<Record<string, number>>;
  /** Budgets and floors that were missed, as sentences; any of them makes the run fail. */
  missed: readonly string[];
}

/** The sentences of those conditions that do not hold. */
export function missedOf(conditions: readonly (readonly [holds: boolean, sentence: string])[]): string[] {
  return conditions.filter(([holds]) => !holds).map(([, sentence]) => sentence);
}
