import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { permitSend } from "#core/domain/send-permission/permit-send.ts";
import { contradicts, maySendMove, sendStates } from "#core/domain/send-state.ts";
import { serviceWindow, serviceWindowMs } from "#core/domain/service-window.ts";

const wroteAt = new Date("2026-11-22T10:00:00.000Z");
const later = (ms: number) => new Date(wroteAt.getTime() + ms);

describe("the customer service window", () => {
  test("was never open for somebody who never wrote", () => {
    expect(serviceWindow(undefined, wroteAt)).toEqual({ isOpen: false, reason: "never-opened" });
  });

  test("is closed at the very instant it ends", () => {
    expect(serviceWindow(wroteAt, later(serviceWindowMs))).toMatchObject({ isOpen: false, reason: "expired" });
  });

  test("is open one millisecond before", () => {
    const window = serviceWindow(wroteAt, later(serviceWindowMs - 1));

    expect(window).toEqual({ isOpen: true, closesAt: new Date("2026-11-23T10:00:00.000Z") });
  });

  test("once closed stays closed, whatever the clock shows later", () => {
    fc.assert(
      fc.property(fc.nat(10 ** 12), (lateMs) => !serviceWindow(wroteAt, later(serviceWindowMs + lateMs)).isOpen),
    );
  });
});

describe("a free-form message is refused", () => {
  const facts = { isNumberConnected: true, hasRecipient: true, lastLiveInboundAt: wroteAt, now: later(1) };

  test.each([
    ["number_disconnected", { ...facts, isNumberConnected: false }],
    ["no_recipient", { ...facts, hasRecipient: false }],
    ["window_closed", { ...facts, now: later(serviceWindowMs) }],
  ])("with the reason %s", (reason, refused) => {
    expect(permitSend(refused)).toEqual({ allowed: false, reason });
  });

  test("but permitted when nothing speaks against it", () => {
    expect(permitSend(facts)).toEqual({ allowed: true, form: "free-form" });
  });
});

describe("a send", () => {
  test("that was claimed never becomes cancelled: Meta may have it", () => {
    expect(maySendMove("claimed", "cancelled")).toBe(false);
    expect(maySendMove("unconfirmed", "queued")).toBe(false);
  });

  test("that was confirmed stays so", () => {
    expect(sendStates.filter((state) => maySendMove("confirmed", state))).toEqual([]);
  });

  test("is confirmed by Meta's word from every other state, which is a contradiction for those given up", () => {
    const others = sendStates.filter((state) => state !== "confirmed");

    expect(others.filter((state) => !maySendMove(state, "confirmed"))).toEqual([]);
    expect(others.filter(contradicts)).toEqual(["refused", "cancelled"]);
  });
});
