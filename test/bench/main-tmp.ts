import { ingest } from "./ingest.ts";

console.log(await ingest.run(console.log));
process.exit(0);
