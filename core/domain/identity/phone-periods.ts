/** The facts that say who holds a phone number: Meta showed it with a BSUID, or said that somebody moved to it. */
export type PhoneEvent = { kind: "holder"; at: Date; bsuid: string } | { kind: "change"; at: Date; wamid: string };

/** A stretch of time in which one human held a phone number. `key` names its identity and never changes with order. */
export interface PhonePeriod {
  key: string;
  /** Absent: since ever. */
  from?: Date;
  holder?: string;
  /** Opened by Meta's word that somebody moved here: the wamid of it. */
  openedBy?: string;
}

/**
 * Cuts the life of a phone number into the periods of its holders. The same phone shown with a new BSUID is a new
 * human (a recycled number), unless Meta says otherwise by a change of number or of BSUID; consent and history of the
 * old holder stay with the old period (I16). Pure and independent of the order in which the events were learnt.
 */
export function phonePeriods(phone: string, events: readonly PhoneEvent[]): PhonePeriod[] {
  const first: PhonePeriod = { key: phone };
  const periods = [first];
  const seen = new Set<string>();
  for (const event of events.toSorted(byTime)) {
    const current = periods.at(-1) as PhonePeriod;
    if (event.kind === "change") {
      periods.push({ key: `${phone}#${event.wamid}`, from: event.at, openedBy: event.wamid });
    } else if (!seen.has(event.bsuid)) {
      seen.add(event.bsuid);
      if (current.holder === undefined) current.holder = event.bsuid;
      else periods.push({ key: `${phone}#${event.bsuid}`, from: event.at, holder: event.bsuid });
    }
  }
  return periods;
}

/** The period that a fact without a BSUID belongs to. */
export function periodAt(periods: readonly PhonePeriod[], at: Date): PhonePeriod {
  return periods.findLast((period) => period.from === undefined || period.from <= at) as PhonePeriod;
}

function byTime(a: PhoneEvent, b: PhoneEvent): number {
  return a.at.getTime() - b.at.getTime() || (nameOf(a) < nameOf(b) ? -1 : 1);
}

// A change sorts before a holder of the same moment: the new holder is the one who moved.
function nameOf(event: PhoneEvent): string {
  return event.kind === "change" ? `0${event.wamid}` : `1${event.bsuid}`;
}
