import type { Memory } from "../../core/ports/memory.ts"
import type { PluginServices } from "../../core/ports/plugin.ts"
import { systemClock } from "../../core/time/clock.ts"

/** Keeps nothing. */
const noMemory: Memory = {
  remember: async () => ({ status: "full", bound: "maxMemories" }),
  get: async () => null,
  recall: async () => [],
  list: async () => ({ memories: [], next: null }),
  forget: async () => "unknown",
  forgetNamed: async () => 0,
  forgetAll: async () => 0,
  prune: async () => 0,
}

/** Services for a plugin that is tested without a gateway. */
export function testPluginServices(services: Partial<PluginServices> = {}): PluginServices {
  return {
    agent: "agent",
    agents: ["agent"],
    version: "0.0.0",
    knowsUsers: true,
    ports: {},
    checkSchema: async (_schema, input) => ({ valid: true, input }),
    memory: noMemory,
    clock: systemClock,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    signal: new AbortController().signal,
    openSecrets: async () => null,
    isKept: async () => true,
    readEvents: async () => [],
    ...services,
  }
}
