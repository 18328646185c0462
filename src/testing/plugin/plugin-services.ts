import { randomIds } from "../../core/ids.ts"
import type { PluginServices } from "../../core/ports/plugin.ts"
import type { PluginDirectory, PluginRuns } from "../../core/ports/plugin-runs.ts"
import type { Contents } from "../../core/ports/store/contents.ts"
import type { Memory } from "../../core/ports/store/memory.ts"
import type { Schedules } from "../../core/ports/store/schedules.ts"
import { systemClock } from "../../core/time/clock.ts"

/** A memory that keeps nothing. */
const noMemory: Memory = {
  remember: async () => ({ status: "full", bound: "maxMemories" }),
  get: async () => null,
  recall: async () => [],
  list: async () => ({ memories: [], next: null }),
  owners: async () => [],
  forget: async () => "unknown",
  forgetNamed: async () => 0,
  forgetAll: async () => 0,
  prune: async () => 0,
}

/** A store that has no schedules and accepts none. */
const noSchedules: Schedules = {
  create: async () => "agentHasTooMany",
  find: async () => null,
  list: async () => [],
  due: async () => [],
  nextDue: async () => null,
  advance: async () => ({ status: "changed" }),
  remove: async () => false,
  occurrences: async () => [],
}

/** Contents of a store without free space. */
const noContents: Contents = {
  put: async () => "full",
  size: async () => null,
  chunk: async () => null,
  hasAny: async () => false,
}

const refuse = async () => {
  throw new Error("testPluginServices has no runs. Pass your own `runs` to it.")
}

/** Runs of a gateway that starts none. */
const noRuns: PluginRuns = {
  principalOf: ({ userId, tenant = "default" }) => ({ tenant: `plugin_test.${tenant}`, userId }),
  start: refuse,
  follow: () => ({ [Symbol.asyncIterator]: () => ({ next: refuse }) }),
  result: refuse,
  cancel: async () => false,
  waits: async () => [],
  answer: refuse,
}

const noDirectory: PluginDirectory = {
  sessions: async () => ({ items: [], next: null }),
  session: async () => null,
  runs: async () => ({ items: [], next: null }),
  run: async () => null,
}

/** Creates services for testing a plugin without a gateway. */
export function testPluginServices(services: Partial<PluginServices> = {}): PluginServices {
  return {
    agent: "agent",
    agents: ["agent"],
    version: "0.0.0",
    knowsUsers: true,
    ports: {},
    checkSchema: async (_schema, input) => ({ valid: true, input }),
    clock: systemClock,
    ids: randomIds,
    runs: noRuns,
    directory: noDirectory,
    stores: { schedules: noSchedules, memory: noMemory, contents: noContents },
    storeTime: async () => systemClock.now(),
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    signal: new AbortController().signal,
    openSecrets: async () => null,
    lastCompaction: async () => null,
    isKept: async () => true,
    readEvents: async () => [],
    ...services,
  }
}
