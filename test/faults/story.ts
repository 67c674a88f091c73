import { createHash } from "node:crypto";
import type { Cast } from "./cast.ts";
import type { Effect, Post } from "./effects.ts";
import type { Random } from "./random.ts";
import { echo, inbound, postOf, status, type Thread, unknownField, type WireChange } from "./wire-bodies.ts";

/** Endless webhooks of busy businesses, as untidy as the real ones. */
export interface Story {
  next(): Post;
  /** One that was never posted before, and has effects. */
  fresh(): Post;
}

interface Telling {
  change: WireChange;
  effect: Effect;
}

/** So many changes are told before one of them is posted: out of order by as much. */
const disorder = 40;
const shares = { unparsable: 0.02, repeated: 0.06, batch: 0.15, twice: 0.02 };
const recentMax = 400;

export function makeStory(cast: Cast, random: Random, startedAt: Date): Story {
  const teller = makeTeller(cast, random, startedAt);
  const told: Telling[] = [];
  const repeats: Post[] = [];
  let unparsable = 0;

  function draw(): Telling {
    while (told.length < disorder) told.push(...teller.tell());
    return told.splice(random.between(0, told.length - 1), 1)[0] as Telling;
  }

  function fresh(): Post {
    const count = random.chance(shares.batch) ? random.between(2, 6) : 1;
    const tellings = Array.from({ length: count }, draw);
    // The same message twice in one POST.
    if (random.chance(shares.twice)) tellings.push(tellings[0] as Telling);
    const post = postFrom(
      postOf(tellings.map(({ change }) => change)),
      tellings.map(({ effect }) => effect),
    );
    repeats.push(post);
    if (repeats.length > recentMax) repeats.shift();
    return post;
  }

  return {
    fresh,
    next() {
      if (repeats.length > 0 && random.chance(shares.repeated)) return random.pick(repeats);
      if (!random.chance(shares.unparsable)) return fresh();
      unparsable += 1;
      return postFrom(unreadableBytes(random, unparsable), []);
    },
  };
}

function postFrom(bytes: Buffer, effects: readonly Effect[]): Post {
  return { bytes, effects, digest: createHash("sha256").update(bytes).digest("hex") };
}

function unreadableBytes(random: Random, count: number): Buffer {
  const forms = [
    `no JSON ${count}`,
    `{"entry":[{"changes":[{"half":${count}`,
    `{"object":"page","n":${count}}`,
    `[${count}]`,
  ];
  return Buffer.from(random.pick(forms));
}

interface Sent {
  thread: Thread;
  wamid: string;
}

function makeTeller(cast: Cast, random: Random, startedAt: Date): { tell(): Telling[] } {
  // A day back, a second each: Meta's timestamps are in the past, and no two events share one.
  let clock = Math.floor(startedAt.getTime() / 1000) - 86_400;
  let wamids = 0;
  const received: Sent[] = [];
  const sent: Sent[] = [];
  const tick = () => ++clock;
  const newWamid = () => `wamid.FAULTS${String(++wamids).padStart(9, "0")}`;

  function thread(): Thread {
    const workspace = random.pick(cast.workspaces);
    return { workspace, number: random.pick(workspace.numbers), customer: random.pick(workspace.customers) };
  }

  function customerWrites(): Telling[] {
    const parties = thread();
    const wamid = newWamid();
    const at = tick();
    const body = `Message ${wamid}, ${"word ".repeat(random.between(0, 30))}नमस्ते`;
    remember(received, { thread: parties, wamid });
    const change = inbound(parties, { id: wamid, timestamp: String(at), type: "text", text: { body } });
    return [{ change, effect: { kind: "message", wamid, direction: "in", body, at, ...partiesOf(parties) } }];
  }

  function customerEdits(): Telling[] {
    const { thread: parties, wamid } = random.pick(received);
    const editWamid = newWamid();
    const at = tick();
    const body = `Edited by ${editWamid}`;
    const edit = { original_message_id: wamid, message: { type: "text", text: { body } } };
    const change = inbound(parties, { id: editWamid, timestamp: String(at), type: "edit", edit });
    return [{ change, effect: { kind: "edit", wamid, editWamid, at, body, ...partiesOf(parties) } }];
  }

  function customerReacts(): Telling[] {
    const { thread: parties, wamid } = random.pick(sent);
    const reactionWamid = newWamid();
    const at = tick();
    const emoji = random.chance(0.2) ? undefined : random.pick(["👍", "❤️", "🙏"]);
    const reaction = { message_id: wamid, ...(emoji !== undefined && { emoji }) };
    const change = inbound(parties, { id: reactionWamid, timestamp: String(at), type: "reaction", reaction });
    return [{ change, effect: { kind: "reaction", wamid, reactionWamid, at, emoji, ...partiesOf(parties) } }];
  }

  /** Sent from the phone (an echo) or elsewhere (statuses only). */
  function businessSends(): Telling[] {
    const parties = thread();
    const wamid = newWamid();
    const at = tick();
    remember(sent, { thread: parties, wamid });
    const tellings = statusesOf(parties, wamid);
    if (random.chance(0.4)) return tellings;
    const body = `Echo ${wamid}`;
    const change = echo(parties, { id: wamid, timestamp: String(at), type: "text", text: { body } });
    return [
      { change, effect: { kind: "message", wamid, direction: "out", body, at, ...partiesOf(parties) } },
      ...tellings,
    ];
  }

  function statusesOf(parties: Thread, wamid: string): Telling[] {
    const hasFailed = random.chance(0.1);
    const names = hasFailed ? ["sent", "failed"] : ["sent", "delivered", "read"].slice(0, random.between(1, 3));
    const price = { type: "regular", category: random.pick(["utility", "marketing", "authentication"]) };
    return names.map((name): Telling => {
      const at = tick();
      const pricing = name === "delivered" || name === "read" ? price : undefined;
      const errorCode = name === "failed" ? 131026 : undefined;
      const change = status(parties, { wamid, status: name, at, pricing, errorCode });
      return { change, effect: { kind: "status", wamid, status: name, at, pricing, ...partiesOf(parties) } };
    });
  }

  function metaInvents(): Telling[] {
    const marker = `future ${++wamids}`;
    return [{ change: unknownField(thread(), marker), effect: { kind: "kept", marker } }];
  }

  return {
    tell() {
      const dice = random.next();
      if (dice < 0.02) return metaInvents();
      if (dice < 0.1 && received.length > 0) return customerEdits();
      if (dice < 0.18 && sent.length > 0) return customerReacts();
      return dice < 0.6 ? customerWrites() : businessSends();
    },
  };
}

function partiesOf({ number, customer }: Thread): { number: string; person: string } {
  return { number: number.phoneNumberId, person: customer.bsuid };
}

function remember(list: Sent[], one: Sent): void {
  list.push(one);
  if (list.length > recentMax) list.shift();
}
