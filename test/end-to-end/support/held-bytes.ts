import { collectGarbage } from "../../../src/features/sandbox/code-execution/fixtures/collect-garbage.ts"

/** Returns the bytes that the process holds after a full collection, inside and outside of the heap. */
export async function heldBytes(): Promise<number> {
  for (let count = 0; count < 3; count++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
