import { defineConfig } from "vitest/config";

// `npm test` runs all projects; `npm test -- --project unit` needs no database.
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: ["test/support/global-setup.ts"],
          testTimeout: 20_000,
          hookTimeout: 30_000,
        },
      },
      { test: { name: "architecture", include: ["test/architecture.test.ts"] } },
    ],
  },
});
