import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** `labels` is the closed list of label names; their values must be few (kinds, not ids), or the registry grows for ever. */
export interface MetricShape<Label extends string> {
  name: `triveni_${string}`;
  help: string;
  labels?: readonly Label[];
}

export interface Metrics {
  registry: Registry;
  /** Each of the three returns the metric of that name, making it the first time: two rooms may name the same one. */
  counter<Label extends string = never>(shape: MetricShape<Label> & { name: `${string}_total` }): Counter<Label>;
  gauge<Label extends string = never>(shape: MetricShape<Label>): Gauge<Label>;
  histogram<Label extends string = never>(
    shape: MetricShape<Label> & { name: `${string}_seconds`; buckets: readonly number[] },
  ): Histogram<Label>;
}

/** A registry of its own per app, never the library's global one: two apps in one test process must not add up. */
export function makeMetrics(): Metrics {
  const registry = new Registry();

  function once<Metric>(name: string, make: () => Metric): Metric {
    const known = registry.getSingleMetric(name);
    // The registry does not keep the type; a name is only ever made by one of the three functions below.
    return known === undefined ? make() : (known as Metric);
  }

  return {
    registry,
    counter: ({ name, help, labels = [] }) =>
      once(name, () => new Counter({ name, help, labelNames: labels, registers: [registry] })),
    gauge: ({ name, help, labels = [] }) =>
      once(name, () => new Gauge({ name, help, labelNames: labels, registers: [registry] })),
    histogram: ({ name, help, labels = [], buckets }) =>
      once(name, () => new Histogram({ name, help, labelNames: labels, buckets: [...buckets], registers: [registry] })),
  };
}

/** Adds memory, CPU and event-loop lag of this process. Once per process: it installs observers. */
export function watchProcess(metrics: Metrics): void {
  collectDefaultMetrics({ register: metrics.registry, prefix: "triveni_" });
}
