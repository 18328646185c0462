import { chmod, mkdtemp } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Logger } from "../../../src/core/ports/logger.ts"
import type { SandboxName } from "../../../src/core/ports/tools/sandbox.ts"
import { completeConfig, type SandboxConfig } from "../../../src/features/sandbox/config.ts"
import { type OpenedSandboxes, openSandboxes } from "../../../src/features/sandbox/open-sandboxes.ts"

/** The limits that the contract suite expects. */
export const testLimits = { memoryMb: 64, pids: 64, diskMb: 32, diskEntries: 1_500, maxTimeoutMs: 60_000 }

export const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} }

/** Creates a folder through which the users that run code may pass. */
export async function sandboxDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "agent-gateway-sandbox-"))
  await chmod(directory, 0o711)
  return directory
}

/**
 * Opens sandboxes on this backend only, in their own directory. Rejects if the backend does not work on this machine.
 */
export async function openTestSandboxes(
  backend: SandboxName,
  config: SandboxConfig = {},
): Promise<{ readonly sandboxes: OpenedSandboxes; readonly directory: string }> {
  const directory = config.directory ?? (await sandboxDirectory())
  const { directory: _directory, ...rest } = config
  const sandboxes = await openSandboxes({
    config: completeConfig(
      { ...testLimits, env: { OFFERED: "yes" }, ...rest, backends: [backend] },
      { dockerSocket: undefined, searchPath: process.env.PATH },
    ),
    directory,
    ephemeral: false,
    logger: silent,
  })
  return { sandboxes, directory }
}
