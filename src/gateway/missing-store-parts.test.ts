import { describe, expect, it, onTestFinished, vi } from "vitest"
import { openMemoryStore } from "../adapters/stores/sqlite/open.ts"
import type { OptionalStorePart, Store } from "../core/ports/store/store.ts"
import { systemClock } from "../core/time/clock.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../testing/provider/scripted-provider.ts"
import { sessionLogContract } from "../testing/session-log/contract.ts"
import { type AgentOptions, createAgent } from "./create-agent.ts"

const logger = { debug() {}, info() {}, warn: vi.fn(), error() {} }

/** Opens a custom store without these parts. */
async function openWithout(...missing: readonly OptionalStorePart[]): Promise<Store> {
  const whole = await openMemoryStore({ clock: systemClock, logger })
  onTestFinished(() => whole.close())
  return Object.fromEntries(
    Object.entries(whole).filter(([name]) => !missing.some((part) => part === name)),
  ) as unknown as Store
}

const speak = tool({
  name: "speak",
  description: "Speak.",
  inputSchema: { type: "object" } as const,
  execute: () => "word ".repeat(10_000),
})
const provider = () =>
  scriptedProvider(({ messages }) =>
    messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done." }]
      : [{ type: "toolCall", name: "speak", input: {} }],
  )

async function open(missing: readonly OptionalStorePart[], options: AgentOptions = {}) {
  const store = await openWithout(...missing)
  const gateway = createAgent("Hi.", { store, logger, provider: provider(), tools: [speak], ...options })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

describe("a custom store", () => {
  it("without any optional part serves runs, and truncates large results with a warning at the start", async () => {
    const gateway = await open(["memory", "schedules", "contents", "keptRequests", "archive"])
    const { sessionId, ...rest } = await gateway.run("Speak.")
    expect(rest).toMatchObject({ outcome: "completed", response: "Done." })
    expect((await gateway.operate("sessions.attempts", { sessionId })).items).toEqual([])
    expect(logger.warn).toHaveBeenCalledExactlyOnceWith({}, expect.stringContaining("no part `contents`"))
  })

  it.each<[OptionalStorePart, AgentOptions, RegExp]>([
    ["memory", { memory: true, validApiKeys: ["key"] }, /^memory: the store has no part `memory`\. Use/],
    ["schedules", { allowSchedules: true }, /^allowSchedules: the store has no part `schedules`\. Use/],
    [
      "schedules",
      { schedules: [{ name: "daily", every: "1d", message: "Look." }] },
      /^schedules: the store has no part `schedules`\. Use/,
    ],
    ["keptRequests", { keepRequests: "all" }, /^keepRequests: the store has no part `keptRequests`\. Use/],
    ["contents", { largeResults: true }, /^largeResults: the store has no part `contents`\. Use/],
  ])("without %s refuses to open an agent with %j, and says why", async (part, options, message) => {
    const gateway = await open([part], options)
    await expect(gateway.prepare()).rejects.toThrow(message)
  })

  it("without memories or schedules tells operators so", async () => {
    const gateway = await open(["memory", "schedules"])
    await expect(gateway.memory.of().list()).rejects.toThrow(/^gateway.memory: the store has no part/)
    await expect(gateway.schedules.list()).rejects.toThrow(/^gateway.schedules: the store has no part/)
  })
})

describe("the contract of stores", () => {
  it("passes the cases of a part that the harness declares as missing, and fails them otherwise", async () => {
    const [first] = sessionLogContract.filter(({ name }) => name.startsWith("a memory is the value"))
    const open = () => openWithout("memory")
    const crash = (store: Store) => store.close()
    await first?.run({ open, crash, missing: ["memory"] })
    await expect(first?.run({ open, crash })).rejects.toThrow("The store has no part memory.")
  })
})
