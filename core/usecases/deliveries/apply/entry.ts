import type { Fact } from "#core/domain/fact.ts";

/** One fact with the place it was told about and the delivery that told it. */
export interface Entry<F extends Fact = Fact> {
  workspaceId: string;
  /** Absent: a fact about the WABA. */
  numberId: string | undefined;
  /** BSUIDs mean something only inside a business portfolio. */
  portfolioKey: string;
  deliveryId: string;
  change: number;
  /** Place among the facts of the change. */
  position: number;
  receivedAt: Date;
  fact: F;
}

/** An entry whose number is known: everything but account facts. */
export type NumberEntry<F extends Fact = Fact> = Entry<F> & { numberId: string };

export function entriesOf<K extends Fact["kind"]>(
  entries: readonly Entry[],
  ...kinds: K[]
): NumberEntry<Extract<Fact, { kind: K }>>[] {
  return entries.filter(
    (entry): entry is NumberEntry<Extract<Fact, { kind: K }>> =>
      entry.numberId !== undefined && (kinds as string[]).includes(entry.fact.kind),
  );
}
