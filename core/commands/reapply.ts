// npm run reapply [-- --reason TEXT]: after an upgrade, tries again what could not be applied. Safe beside a running server.
import { parseArgs } from "node:util";
import { systemClock } from "#core/kit/clock.ts";
import { type Reapplied, reapplyParked } from "#core/usecases/deliveries/reapply-parked.ts";
import { runCommand } from "./run-command.ts";

export function reappliedLines({ toLanes, routed, parkedAgain, deliveryGone }: Reapplied): string[] {
  const lines = [`${toLanes} back in their lanes, ${routed} routed, ${parkedAgain} parked again.`];
  if (toLanes + routed > 0) lines.push("Workers apply them now; npm run doctor shows what they park again, and why.");
  if (deliveryGone > 0)
    lines.push(`${deliveryGone} cannot be tried again: their deliveries are older than DELIVERY_KEPT_DAYS.`);
  return lines;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { reason: { type: "string" } } });
  await runCommand(async ({ worker }, { unroutedKeptDays }) =>
    reappliedLines(await reapplyParked({ worker, clock: systemClock, unroutedKeptDays }, values.reason)),
  );
}
