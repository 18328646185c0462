import { setTimeout as delay } from "node:timers/promises"
import { patienceMs } from "../../patience.ts"

const pauseMs = 20

/**
 * Resolves to the value of `probe` once it is not null. Rejects after `withinMs` with the name of the missing value.
 */
export async function eventually<Value extends NonNullable<unknown>>(
  what: string,
  probe: () => Promise<Value | null> | Value | null,
  { withinMs = patienceMs }: { readonly withinMs?: number } = {},
): Promise<Value> {
  const deadline = performance.now() + withinMs
  for (;;) {
    const value = await probe()
    if (value !== null) return value
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${withinMs} ms.`)
    await delay(pauseMs)
  }
}
