import type { Counter, Gauge, Histogram } from "prom-client"

export type PromClient = typeof import("prom-client")

/**
 * The labels of all series. Their values are configured names or words of the gateway. None has a user, a session or a
 * text, because each value of a label is a series that Prometheus keeps.
 */
export type LabelName = "agent" | "model" | "provider" | "outcome" | "kind" | "scope"

/** Creates the series of one registry. Each name begins with `agent_gateway_`. */
export interface SeriesFactory {
  counter<Label extends LabelName>(name: string, help: string, labels?: readonly Label[]): Counter<Label>
  gauge<Label extends LabelName>(name: string, help: string, labels?: readonly Label[]): Gauge<Label>
  histogram<Label extends LabelName>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly Label[],
  ): Histogram<Label>
}

export function createSeriesFactory(
  { Counter, Gauge, Histogram }: PromClient,
  register: InstanceType<PromClient["Registry"]>,
): SeriesFactory {
  const describe = <Label extends LabelName>(name: string, help: string, labels: readonly Label[]) => {
    return { name: `agent_gateway_${name}`, help, labelNames: labels, registers: [register] }
  }
  return {
    counter: (name, help, labels = []) => new Counter(describe(name, help, labels)),
    gauge: (name, help, labels = []) => new Gauge(describe(name, help, labels)),
    histogram: (name, help, buckets, labels = []) =>
      new Histogram({ ...describe(name, help, labels), buckets: [...buckets] }),
  }
}

/** Maximum values of one label that clients or providers choose, such as models. */
const maxNames = 100

/** Returns a function that replaces each new name by `other` after the first hundred. */
export function createNameLimit(): (name: string) => string {
  const known = new Set<string>()
  return (name) => {
    if (known.has(name)) return name
    if (known.size === maxNames) return "other"
    known.add(name)
    return name
  }
}
