import { z } from "zod";

/** A kind of background work: rare, small, safe to run twice. Hot work runs from leased tables instead. */
export interface JobKind<Payload> {
  name: string;
  payload: z.ZodType<Payload>;
  attempts: number;
}

export const keepDeliveriesJob: JobKind<{ day: string }> = {
  name: "keep-deliveries",
  payload: z.object({ day: z.string() }),
  attempts: 5,
};
