// CommonJS on purpose: it must run, and speak, on any old Node.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  console.error(
    `Triveni needs Node 24, this is ${process.version}: run \`npm ci\` without --ignore-scripts, or install Node 24.`,
  );
  process.exit(1);
}
