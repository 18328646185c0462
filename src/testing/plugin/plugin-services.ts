import type { PluginServices } from "../../core/ports/plugin.ts"
import { systemClock } from "../../core/time/clock.ts"

/** Services for a plugin that is tested without a gateway. */
export function testPluginServices(services: Partial<PluginServices> = {}): PluginServices {
  return {
    agent: "agent",
    agents: ["agent"],
    version: "0.0.0",
    knowsUsers: true,
    ports: {},
    checkSchema: async (_schema, input) => ({ valid: true, input }),
    clock: systemClock,
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    signal: new AbortController().signal,
    openSecrets: async () => null,
    isKept: async () => true,
    readEvents: async () => [],
    ...services,
  }
}
