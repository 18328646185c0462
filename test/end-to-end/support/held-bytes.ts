import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** Returns the bytes that the process holds after a full collection, inside and outside of the heap. */
export async function heldBytes(): Promise<number> {
  setFlagsFromString("--expose-gc")
  const collect: () => void = runInNewContext("gc")
  for (let count = 0; count < 3; count++) {
    collect()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
