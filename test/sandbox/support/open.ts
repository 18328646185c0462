import { chmod, mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Logger } from "../../../src/core/ports/logger.ts"
import type { SandboxName } from "../../../src/core/ports/sandbox.ts"
import { type SandboxConfig, withDefaults } from "../../../src/sandbox/config.ts"
import { type OpenedSandboxes, openSandboxes } from "../../../src/sandbox/open-sandboxes.ts"

/** As the contract suite expects them. */
export const testLimits = { memoryMb: 64, pids: 64, diskMb: 32, diskEntries: 1_500, maxTimeoutMs: 60_000 }

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** A folder of its own, which the users that code runs as may pass through. */
export async function sandboxDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "agent-gateway-sandbox-"))
  await chmod(directory, 0o711)
  return directory
}

/** Sandboxes on this one backend, in a directory of their own. Fails when the backend does not work here. */
export async function openTestSandboxes(
  backend: SandboxName,
  config: SandboxConfig = {},
): Promise<{ readonly sandboxes: OpenedSandboxes; readonly directory: string }> {
  const directory = config.directory ?? (await sandboxDirectory())
  const { directory: _directory, ...rest } = config
  const sandboxes = await openSandboxes({
    config: withDefaults({ ...testLimits, env: { OFFERED: "yes" }, ...rest, backends: [backend] }, undefined),
    directory,
    ephemeral: false,
    logger: silent,
  })
  return { sandboxes, directory }
}
