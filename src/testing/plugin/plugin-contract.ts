import assert from "node:assert/strict"
import type { Plugin, PluginParts, PluginRun, PluginServices, RunParts } from "../../core/ports/plugin.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import { testPluginServices } from "./plugin-services.ts"

/** A plugin under test. Each case creates its own. */
export interface PluginHarness {
  createPlugin(): Plugin | Promise<Plugin>
  /** Services that differ from those of `testPluginServices`, such as ports of other plugins. */
  readonly services?: Partial<PluginServices>
}

export interface PluginCase {
  readonly name: string
  run(harness: PluginHarness): Promise<void>
}

const audience = { isOperator: true, showsLinks: true }
const toolNamePattern = /^[a-zA-Z0-9_-]{1,64}$/
const routePattern = /^(GET|POST|PUT|PATCH|DELETE) (\/:?[\w.~-]+)+$/

/** The behavior of every plugin, whatever it adds to an agent. */
export const pluginContract: readonly PluginCase[] = [
  {
    name: "opens, closes, and opens again",
    async run(harness) {
      const { name } = await harness.createPlugin()
      assert.match(name, /^[a-z][a-z0-9_-]{0,63}$/)
      for (let round = 0; round < 2; round++) await withParts(harness, async () => undefined)
    },
  },
  {
    name: "two instances are independent: one works after the other was closed",
    async run(harness) {
      await withParts(harness, async (parts) => {
        await withParts(harness, async () => undefined)
        await withRun(parts, async () => undefined)
      })
    },
  },
  {
    name: "lists the same array of tools while nothing changes",
    async run(harness) {
      await withTools(harness, async ({ tools }) => {
        const first = tools?.([])
        assert.equal(tools?.([]), first)
      })
    },
  },
  {
    name: "gives its tools distinct names that every provider accepts",
    async run(harness) {
      await withTools(harness, async ({ tools }) => {
        const names = namesOf(tools?.([]))
        assert.deepEqual([...new Set(names)], names)
        for (const name of names) assert.match(name, toolNamePattern)
      })
    },
  },
  {
    name: "describes its tools, and their input as an object",
    async run(harness) {
      await withTools(harness, async ({ tools }) => {
        for (const { description, inputSchema } of tools?.([]) ?? []) {
          assert.notEqual(description.trim(), "")
          assert.equal(inputSchema.type, "object")
        }
      })
    },
  },
  {
    name: "has the same tools for each run that opens",
    async run(harness) {
      await withParts(harness, async (parts) => {
        const names: (readonly string[])[] = []
        for (let run = 0; run < 2; run++) {
          await withRun(parts, async ({ tools }) => void names.push(namesOf(tools?.([]))))
        }
        assert.deepEqual(names[1], names[0])
      })
    },
  },
  {
    name: "gives each instruction as a text",
    async run(harness) {
      await withTools(harness, async ({ instructions = [] }) => {
        for (const text of instructions) assert.notEqual(text.trim(), "")
      })
    },
  },
  {
    name: "gives its checks distinct names",
    async run(harness) {
      await withParts(harness, async ({ checks }) => {
        const parts = ((await checks?.(audience)) ?? []).map(({ part }) => part ?? "")
        assert.deepEqual([...new Set(parts)], parts)
      })
    },
  },
  {
    name: "tells other audiences no more than the operator",
    async run(harness) {
      await withParts(harness, async ({ checks }) => {
        const forOperator = (await checks?.(audience)) ?? []
        const forAnyone = (await checks?.({ isOperator: false, showsLinks: false })) ?? []
        assert.deepEqual(
          forAnyone.map(({ part }) => part),
          forOperator.map(({ part }) => part),
        )
      })
    },
  },
  {
    name: "gives its sources and their tools distinct names",
    async run(harness) {
      await withParts(harness, async ({ toolSources }) => {
        const sources = toolSources?.() ?? []
        for (const names of [sources, ...sources.map(({ tools }) => tools)]) {
          assert.equal(new Set(names.map(({ name }) => name)).size, names.length)
        }
      })
    },
  },
  {
    name: "describes the sandbox of each session once",
    async run(harness) {
      await withParts(harness, async ({ provides: { sandboxes } = {} }) => {
        if (sandboxes === undefined) return
        const { backends } = await sandboxes.state()
        assert.equal(backends.filter(({ state }) => state === "inUse").length, 1)
        const ids = sandboxes.sessions().map(({ session }) => session.id)
        assert.equal(new Set(ids).size, ids.length)
      })
    },
  },
  {
    name: "has routes with a method and a path",
    async run(harness) {
      await withParts(harness, async ({ routes = {} }) => {
        for (const route of Object.keys(routes)) assert.match(route, routePattern)
      })
    },
  },
  {
    name: "knows no files and no authorizations of others",
    async run(harness) {
      await withParts(harness, async ({ openFile, findAuthorization }) => {
        assert.equal((await openFile?.("sess_unknown", "unknown")) ?? null, null)
        assert.equal((await findAuthorization?.(new URLSearchParams({ state: "unknown" }))) ?? null, null)
      })
    },
  },
]

async function withParts(
  { createPlugin, services = {} }: PluginHarness,
  use: (parts: PluginParts) => Promise<void>,
): Promise<void> {
  const closing = new AbortController()
  const plugin = await createPlugin()
  const parts = await plugin.setup(testPluginServices({ signal: closing.signal, ...services }))
  try {
    await use(parts)
  } finally {
    closing.abort()
    await parts.interrupt?.()
    await parts.close?.()
  }
}

async function withRun(parts: PluginParts, use: (run: RunParts) => Promise<void>): Promise<void> {
  const { signal } = new AbortController()
  const run: PluginRun = {
    session: null,
    role: null,
    message: [],
    needsApproval: () => false,
    maxToolResultBytes: 100_000,
    showStatus: () => {},
    signal,
  }
  const opened = await parts.openRun?.(run)
  if (opened !== undefined) await use(opened)
}

async function withTools(harness: PluginHarness, use: (run: RunParts) => Promise<void>): Promise<void> {
  await withParts(harness, (parts) => withRun(parts, use))
}

function namesOf(tools: readonly Tool[] = []): readonly string[] {
  return tools.map(({ name }) => name)
}
