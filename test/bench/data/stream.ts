import { type Person, personOf } from "./people.ts";
import { seededRandom } from "./random.ts";
import { type Change, type StatusReport, type TextMessage, wamidOf, wordsOf } from "./webhook-bodies.ts";

export interface Incoming extends TextMessage {
  personIndex: number;
  isNewPerson: boolean;
}

/** A message of ours that lies in the store already, and the ticks that the stream brings for it. */
export interface Outgoing {
  person: Person;
  personIndex: number;
  wamid: string;
  statuses: StatusReport[];
}

export interface Stream {
  texts: Incoming[];
  outgoing: Outgoing[];
  /** Everything in the order in which it arrives: the ticks of a message come later and later, between other people's. */
  changes: Change[];
}

export interface StreamShape {
  seed: number;
  workspaces: number;
  /** People with an index below are in the store; new ones count up from `firstNewPerson`. */
  knownPeople: number;
  firstNewPerson: number;
  /** Half texts and half ticks: a multiple of 24. */
  changes: number;
  /** Wamids count up from here. */
  firstSerial: number;
  /** Everything happens from here on, within six hours. */
  from: Date;
}

const SPAN_MS = 6 * 3_600_000;
const NEW_PEOPLE_SHARE = 0.25;
const TEXT_LENGTH = 120;
/** How long after the message a tick comes at most, as a share of the span. */
const TICKS = [
  ["sent", 0.001],
  ["delivered", 0.02],
  ["read", 0.2],
] as const;

/** Half of the changes are texts of customers, a quarter of them from people never seen; half are ticks of our messages. */
export function makeStream(shape: StreamShape): Stream {
  const random = seededRandom(shape.seed);
  const texts = makeTexts(shape, random);
  const outgoing = makeOutgoing(shape, texts.length, random);
  const changes = [...texts, ...outgoing.flatMap(({ statuses }) => statuses)];
  return { texts, outgoing, changes: changes.toSorted((a, b) => momentOf(a) - momentOf(b)) };
}

function makeTexts(
  { changes, workspaces, knownPeople, firstNewPerson, firstSerial, from }: StreamShape,
  random: () => number,
) {
  const newPeople = (changes / 2) * NEW_PEOPLE_SHARE;
  return Array.from({ length: changes / 2 }, (_, at): Incoming => {
    const isNewPerson = at < newPeople;
    const personIndex = isNewPerson ? firstNewPerson + at : Math.floor(random() * knownPeople);
    const person = personOf(personIndex % workspaces, personIndex);
    const sentAt = new Date(from.getTime() + random() * SPAN_MS);
    const wamid = wamidOf("in", person.phone, firstSerial + at);
    return { kind: "text", person, personIndex, isNewPerson, wamid, sentAt, text: wordsOf(random, TEXT_LENGTH) };
  });
}

function makeOutgoing(
  { changes, workspaces, knownPeople, firstSerial, from }: StreamShape,
  skip: number,
  random: () => number,
) {
  return Array.from({ length: changes / 2 / TICKS.length }, (_, at): Outgoing => {
    const personIndex = Math.floor(random() * knownPeople);
    const person = personOf(personIndex % workspaces, personIndex);
    const wamid = wamidOf("out", person.phone, firstSerial + skip + at);
    let atMs = from.getTime() + random() * SPAN_MS * 0.75;
    const statuses = TICKS.map(([status, late]): StatusReport => {
      atMs += random() * late * SPAN_MS;
      return { kind: "status", person, wamid, status, occurredAt: new Date(atMs) };
    });
    return { person, personIndex, wamid, statuses };
  });
}

function momentOf(change: Change): number {
  return (change.kind === "text" ? change.sentAt : change.occurredAt).getTime();
}
