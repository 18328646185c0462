import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import type { OnEnd } from "./on-end.ts"

/**
 * Creates an empty folder, which is removed at the end. A process that ends with its killed parent may write until
 * then, so the removal is repeated.
 */
export async function temporaryFolder(onEnd: OnEnd = onTestFinished): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-test-"))
  onEnd(() => rm(folder, { recursive: true, force: true, maxRetries: 20 }))
  return folder
}
