import { ingest } from "./ingest.ts";
import { apply } from "./apply.ts";
import { removeBenchFolders } from "./bench-folder.ts";
try { console.log(await ({ingest, apply} as any)[process.argv[2]!].run(console.log)); } catch (e) { console.error(e); removeBenchFolders(); process.exit(1) }
process.exit(0);
