import type { WirePricing } from "./wire-bodies.ts";

/** What one change of a delivery must do to the store, in Meta's ids. Times are seconds. */
export type Effect =
  | {
      kind: "message";
      number: string;
      wamid: string;
      direction: "in" | "out";
      body: string;
      at: number;
      person: string;
    }
  | {
      kind: "status";
      number: string;
      wamid: string;
      status: string;
      at: number;
      person: string;
      pricing: WirePricing | undefined;
    }
  | { kind: "edit"; number: string; wamid: string; editWamid: string; at: number; body: string; person: string }
  | {
      kind: "reaction";
      number: string;
      wamid: string;
      reactionWamid: string;
      at: number;
      emoji: string | undefined;
      person: string;
    }
  | { kind: "kept"; marker: string };

/** One body that Meta posts, until it is answered 200. */
export interface Post {
  bytes: Buffer;
  /** SHA-256 in hex: the name of these bytes. */
  digest: string;
  /** Empty: the bytes cannot be read, and must be parked. */
  effects: readonly Effect[];
}
