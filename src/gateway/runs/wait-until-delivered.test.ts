import { expect, it } from "vitest"
import { createOutputWithoutRun } from "../../features/headless/run/run-output.ts"
import type { Gateway } from "../gateway.ts"
import { waitUntilDelivered } from "./wait-until-delivered.ts"

const run = createOutputWithoutRun({ sessionId: "sess_1", response: "Done." })

/** Returns an outbox whose first reads return these lists of rows. All later reads return the last list. */
function outboxOf(...lists: readonly { readonly kind: string; readonly state: "waiting" | "dead" }[][]) {
  let looks = 0
  const operate = async () => {
    const items = lists[Math.min(looks++, lists.length - 1)]?.map((row) => ({ ...row, lastError: "No." }))
    return { items, next: null }
  }
  return { operate: operate as unknown as Gateway["operate"] }
}

const webhook = { kind: "agent/delivery/webhook", state: "waiting" } as const

it("waits until nothing is left to deliver", async () => {
  const { output, hasOpenDeliveries } = await waitUntilDelivered(outboxOf([webhook], [webhook], []), run)
  expect({ output, hasOpenDeliveries }).toEqual({ output: run, hasOpenDeliveries: false })
})

it("finds a delivery behind a page of other rows", async () => {
  const pages = [
    { items: [{ kind: "command", state: "waiting" }], next: "200" },
    { items: [{ ...webhook, state: "dead", lastError: "No." }], next: null },
  ]
  const operate = async (_: string, { after }: { readonly after: number }) => pages[after === 0 ? 0 : 1]
  const { output } = await waitUntilDelivered({ operate: operate as unknown as Gateway["operate"] }, run)
  expect(output.warnings).toHaveLength(1)
})

it("does not wait for other rows of the session", async () => {
  const other = { kind: "command", state: "waiting" } as const
  expect(await waitUntilDelivered(outboxOf([other]), run)).toEqual({ output: run, hasOpenDeliveries: false })
})

it("reports a dead delivery as a warning, and not as open", async () => {
  const { output, hasOpenDeliveries } = await waitUntilDelivered(
    outboxOf([{ ...webhook, state: "dead" }]),
    run,
  )
  expect(output.warnings).toEqual([
    "The delivery by webhook failed permanently: No. See agent-gateway outbox list.",
  ])
  expect(hasOpenDeliveries).toBe(false)
})

it("reports a delivery that is still open after the wait", async () => {
  const { output, hasOpenDeliveries } = await waitUntilDelivered(outboxOf([webhook]), run, {
    signal: AbortSignal.abort(),
  })
  expect(output.warnings).toEqual([
    "The delivery by webhook is still open. A process that opens the agent again on the same store continues it. No.",
  ])
  expect(hasOpenDeliveries).toBe(true)
})

it("promises no later delivery of a store in memory", async () => {
  const options = { isMemoryStore: true, signal: AbortSignal.abort() }
  for (const state of ["waiting", "dead"] as const) {
    const { output } = await waitUntilDelivered(outboxOf([{ ...webhook, state }]), run, options)
    expect(output.warnings).toEqual([
      "The delivery by webhook failed, and is lost, because the store is in memory. No.",
    ])
  }
})
