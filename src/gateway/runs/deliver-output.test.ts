import { expect, it, vi } from "vitest"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { deliver } from "./deliver-output.ts"
import { runAutonomous } from "./run-autonomous.ts"

const run = () =>
  runAutonomous("You work.", "Work.", {
    provider: scriptedProvider([[{ type: "text", text: "Done." }]]),
    store: "memory",
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  })

it("delivers an output to each channel once, and returns the outcomes", async () => {
  const output = await run()
  const onComplete = vi.fn()
  const results = await deliver(output, {
    onComplete,
    webhook: { url: "http://127.0.0.1:1" },
    slack: { webhookUrl: "http://127.0.0.1:1", allowPrivateAddresses: true },
  })
  expect(results).toEqual([
    { channel: "callback", status: "delivered", error: null },
    { channel: "webhook", status: "failed", error: expect.stringContaining("private network") },
    { channel: "slack", status: "failed", error: expect.stringContaining("ECONNREFUSED") },
  ])
  expect(onComplete).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({ id: `callback_${output.runId}`, response: "Done.", outcome: "completed" }),
    expect.anything(),
  )
})

it("refuses invalid options, and an output without a run", async () => {
  const output = await run()
  await expect(deliver(output, { mispelt: 1 } as never)).rejects.toThrow("mispelt")
  await expect(deliver({ ...output, runId: null }, {})).rejects.toThrow("no run")
})
