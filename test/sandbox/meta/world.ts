import { randomBytes } from "node:crypto";
import { PairRate, SlidingSecond } from "./limits.ts";

/** A business number that exists at the simulated Meta. */
export interface NumberOptions {
  wabaId: string;
  phoneNumberId: string;
  displayPhone: string;
  token: string;
  isCoexistence?: boolean;
}

export interface Customer {
  phone?: string;
  bsuid?: string;
  name?: string;
}

/** Everything Graph was asked to send, whatever it answered. */
export interface SentCall {
  at: number;
  phoneNumberId: string;
  body: Record<string, unknown>;
  /** Absent while it works, and when the connection was cut. */
  status?: number;
  code?: number;
  wamid?: string;
}

export interface SimulatedNumber extends NumberOptions {
  throughput: SlidingSecond;
  deliveredThisMonth: number;
  /** When each customer last wrote, by phone and by BSUID: the window that Meta keeps. */
  lastInboundAt: Map<string, number>;
  customers: Map<string, Customer>;
}

const FREE_A_MONTH = 1_000;

/** What the simulated Meta knows. */
export class World {
  readonly numbers = new Map<string, SimulatedNumber>();
  readonly pairs = new PairRate();
  readonly calls: SentCall[] = [];

  addNumber(options: NumberOptions): SimulatedNumber {
    const number: SimulatedNumber = {
      ...options,
      throughput: new SlidingSecond(options.isCoexistence ? 20 : 80),
      deliveredThisMonth: 0,
      lastInboundAt: new Map(),
      customers: new Map(),
    };
    this.numbers.set(options.phoneNumberId, number);
    return number;
  }

  /** A customer wrote: the window opens, and the message counts against the throughput. */
  noteInbound(number: SimulatedNumber, customer: Customer, nowMs: number): void {
    number.throughput.note(nowMs);
    for (const key of [customer.phone, customer.bsuid]) {
      if (key === undefined) continue;
      number.lastInboundAt.set(key, nowMs);
      number.customers.set(key, customer);
    }
  }

  /** Prices of November 2026: 1,000 service messages a month and number are free. */
  pricing(number: SimulatedNumber): Record<string, unknown> {
    const isFree = number.deliveredThisMonth < FREE_A_MONTH;
    const type = isFree ? "free_customer_service" : "regular";
    return { billable: !isFree, pricing_model: "PMP", type, category: "service" };
  }
}

export function newWamid(): string {
  return `wamid.HBgM${randomBytes(24).toString("base64url")}AA==`;
}
