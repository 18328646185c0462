import type { Plugin, PluginServices } from "../../../core/ports/plugin.ts"
import { completeConfig, type SandboxEnvironment } from "../config.ts"
import { openSandboxes } from "../open-sandboxes.ts"
import { createCodeRunner } from "./code-runner.ts"
import { createCodeTools } from "./code-tools.ts"
import { createReadinessCheck, logFindings } from "./findings.ts"
import { type CodeExecutionConfig, resolveCodeExecution, resolveRunSettings } from "./options.ts"
import { reapOnSchedule } from "./reap-on-schedule.ts"

export interface CodeExecutionSurroundings extends SandboxEnvironment {
  /** Folder of the working directories, if the configuration names none. */
  readonly directory: string
  /** Creates the folder if it is missing. Throws a `ConfigurationError` if it cannot be used. */
  readonly prepareDirectory: (path: string) => void
  /** If true, working directories are removed when the gateway closes. */
  readonly ephemeral: boolean
  /** Maximum milliseconds of `prepareEnv`. */
  readonly callbackTimeoutMs: number
}

/**
 * Creates the plugin that gives an agent tools to run code. Rejects with a `ConfigurationError` if no allowed backend
 * works here.
 */
export function codeExecutionPlugin(
  options: CodeExecutionConfig,
  {
    prepareDirectory,
    ephemeral,
    dockerSocket,
    searchPath,
    callbackTimeoutMs,
    ...surroundings
  }: CodeExecutionSurroundings,
): Plugin {
  const chosen = resolveCodeExecution(options)
  const { defaultTimeoutMs, maxOutputBytes, maxBackground, maxImages, maxImageBytes } = chosen
  const { preamble, descriptionSuffix, prepareEnv = null } = chosen
  return {
    name: "code_execution",
    async setup({ isKept, clock, logger }: PluginServices) {
      const config = completeConfig(chosen, { dockerSocket, searchPath })
      const directory = chosen.directory ?? surroundings.directory
      prepareDirectory(directory)
      const sandboxes = await openSandboxes({ config, directory, ephemeral, logger })
      logFindings(sandboxes, config.network, logger)
      const { maxTimeoutMs } = config
      const limits = { defaultTimeoutMs: Math.min(defaultTimeoutMs, maxTimeoutMs), maxTimeoutMs }
      const imageLimits = { maxImages, maxImageBytes }
      const own = { imageLimits, preamble, descriptionSuffix, prepareEnv, callbackTimeoutMs }
      const parts = { sandboxes, ...limits, maxOutputBytes, maxBackground, clock, logger, ...own }
      const code = createCodeTools(parts)
      const stopReaping = reapOnSchedule(
        [() => code.forget(isKept), (signal) => sandboxes.reap(isKept, signal)],
        logger,
      )
      const check = createReadinessCheck(sandboxes, logger)
      return {
        provides: { codeRunner: createCodeRunner(parts), sandboxes },
        openRun({ needsApproval, maxToolResultBytes, settings }) {
          const ofRun = resolveRunSettings(settings)
          if (ofRun === null) return {}
          const tools = code.tools({ needsApproval, maxResultBytes: maxToolResultBytes, settings: ofRun })
          return { tools: () => tools }
        },
        openFile: async (sessionId, path) => (await sandboxes.find(sessionId))?.readFile(path) ?? null,
        checks: async () => [await check()],
        async close() {
          await stopReaping()
          await code.close()
          await sandboxes.close()
        },
      }
    },
  }
}
