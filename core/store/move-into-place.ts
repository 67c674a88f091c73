import { existsSync, renameSync, rmSync } from "node:fs";

/** Gives a finished folder its name. The loser of a race drops its copy; a crash on the way leaves nothing that looks whole. */
export function moveIntoPlace(made: string, place: string): void {
  try {
    renameSync(made, place);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    if (!existsSync(place)) throw error;
  }
}
