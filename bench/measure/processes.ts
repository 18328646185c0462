import { type Child, startChild } from "../child.ts"
import type { Target } from "../load/target.ts"

/** A server that is measured. */
export interface Server {
  readonly name: string
  readonly target: Target
  readonly child: Child
}

export interface GatewaySettings {
  readonly maxConcurrentRuns?: number
  readonly path?: string
  readonly tool?: "asks" | "runs"
}

export type ServerName = "gateway" | "limit" | "coalescing limit"

/** Registers a starting process, which is stopped when the measurement ends. */
export type Own = (starting: Promise<Child>) => Promise<Child>

export function startUpstream(): Promise<Child> {
  return startChild("./servers/upstream.ts")
}

export async function startServer(
  own: Own,
  name: ServerName,
  upstream: Child,
  settings: GatewaySettings = {},
): Promise<Server> {
  const type = name === "gateway" ? "gateway" : "limit"
  const mode = { coalesces: name === "coalescing limit" }
  const child = await own(
    startChild(`./servers/${type}.ts`, { upstream: upstream.url, ...mode, ...settings }),
  )
  return { name, target: { type, url: child.url }, child }
}

export async function startPeer(own: Own, name: string, upstream: Child): Promise<Server> {
  const child = await own(startChild(`./peers/${name}.mjs`, { upstream: upstream.url }))
  return { name, target: { type: "peer", url: child.url }, child }
}

export function startLoad(): Promise<Child> {
  return startChild("./load/load.ts")
}

/** Runs the measurement, and then stops its children in reverse order, even if the measurement failed. */
export async function withChildren<Result>(measure: (own: Own) => Promise<Result>): Promise<Result> {
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
