import { expect, it } from "vitest"
import type { Hold } from "../../../core/ports/run/hold.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createAnyTool, createMemoryRun } from "../fixtures/memory-run.ts"
import { runLoop } from "../loop.ts"

it("a tool waits again if the hold was lost between the wait and the start of the tool", async () => {
  let isCertain = true
  let losses = 2
  const hold: Hold = {
    isCertain: () => isCertain,
    async untilCertain() {
      isCertain = true
      if (losses-- <= 0) return
      // The rest of the run continues after this. A pause of the process may fall between both.
      queueMicrotask(() => {
        isCertain = false
      })
    },
    onLapse: () => () => undefined,
  }
  const provider = scriptedProvider(({ messages }) =>
    messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done" }]
      : [{ type: "toolCall", name: "pay", input: {} }],
  )
  const seen: boolean[] = []
  const pay = createAnyTool("pay", () => {
    seen.push(isCertain)
    return { type: "json", value: 1 }
  })
  await runLoop(createMemoryRun(provider, { hold, tools: [pay] }).context)
  expect(seen).toEqual([true])
  expect(losses).toBeLessThan(0)
})
