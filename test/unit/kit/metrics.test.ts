import { expect, test } from "vitest";
import { makeMetrics, watchProcess } from "#core/kit/metrics.ts";

test("two apps in one process do not add up", async () => {
  const [first, second] = [makeMetrics(), makeMetrics()];

  first.counter({ name: "triveni_deliveries_total", help: "Deliveries received." }).inc();

  expect(await first.registry.metrics()).toContain("triveni_deliveries_total 1");
  expect(await second.registry.metrics()).not.toContain("triveni_deliveries_total");
});

test("a metric that two rooms name is one metric", async () => {
  const metrics = makeMetrics();
  const shape = { name: "triveni_changes_total", help: "Changes by effect.", labels: ["effect"] } as const;

  metrics.counter(shape).inc({ effect: "applied" });
  metrics.counter(shape).inc({ effect: "applied" }, 2);

  expect(await metrics.registry.metrics()).toContain('triveni_changes_total{effect="applied"} 3');
});

test("gauges, histograms and the process are shown in Prometheus' text format", async () => {
  const metrics = makeMetrics();
  watchProcess(metrics);

  metrics.gauge({ name: "triveni_lanes", help: "Lanes with work." }).set(4);
  metrics.histogram({ name: "triveni_apply_seconds", help: "Apply.", buckets: [0.1, 1] }).observe(0.5);

  const text = await metrics.registry.metrics();
  expect(text).toContain("triveni_lanes 4");
  expect(text).toContain('triveni_apply_seconds_bucket{le="1"} 1');
  expect(text).toContain("triveni_process_resident_memory_bytes");
});
