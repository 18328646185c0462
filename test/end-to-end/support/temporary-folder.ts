import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { onTestFinished } from "vitest"
import type { OnEnd } from "./on-end.ts"

/** Creates an empty folder, which is removed at the end. */
export async function temporaryFolder(onEnd: OnEnd = onTestFinished): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "agent-gateway-test-"))
  onEnd(() => rm(folder, { recursive: true, force: true }))
  return folder
}
