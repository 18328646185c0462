import { type Child, startChild } from "../child.ts"

export type ServerName = "gateway" | "limit"

export interface GatewaySettings {
  readonly maxConcurrentRuns?: number
}

export function startUpstream(): Promise<Child> {
  return startChild("./servers/upstream.ts")
}

export function startServer(
  name: ServerName,
  upstream: Child,
  settings: GatewaySettings = {},
): Promise<Child> {
  return startChild(`./servers/${name}.ts`, { upstream: upstream.url, ...settings })
}

export function startLoad(): Promise<Child> {
  return startChild("./load/load.ts")
}

/** Stops the children even when the measurement failed, the last started first. */
export async function withChildren<Result>(
  measure: (own: (starting: Promise<Child>) => Promise<Child>) => Promise<Result>,
): Promise<Result> {
  const children: Child[] = []
  try {
    return await measure(async (starting) => {
      const child = await starting
      children.unshift(child)
      return child
    })
  } finally {
    for (const child of children) await child.stop()
  }
}
