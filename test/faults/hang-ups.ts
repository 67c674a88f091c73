import type { Stage } from "./stage.ts";

/** Senders that hang up right after their last byte: what they signed is recorded all the same. */
export async function hangUpAfterTheLastByte({ poster, story, tell }: Stage): Promise<void> {
  const times = 10;
  for (let done = 0; done < times; done++) await poster.postAndHangUp(story.fresh(), "close");
  tell(`${times} senders hung up after their last byte`);
}
