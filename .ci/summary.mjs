// Adds up vitest's JSON reports: node .ci/summary.mjs REPORT... prints "N passed, N failed".
// Runs on any Node, as the machine's own may be the one in the path.
import { existsSync, readFileSync } from "node:fs";

let passed = 0;
let failed = 0;
for (const file of process.argv.slice(2)) {
  if (!existsSync(file)) {
    // The run died before its report: that is a failure, not nothing.
    failed += 1;
    continue;
  }
  const report = JSON.parse(readFileSync(file, "utf8"));
  passed += report.numPassedTests;
  // A file that cannot be loaded fails without a failed test in it; so does a run with an unhandled error.
  const files = report.testResults.filter(
    (one) => one.status === "failed" && !one.assertionResults.some((test) => test.status === "failed"),
  );
  const broken = report.numFailedTests + files.length;
  failed += broken === 0 && !report.success ? 1 : broken;
}
console.log(`${passed} passed, ${failed} failed`);
if (failed > 0 || passed === 0) process.exitCode = 1;
