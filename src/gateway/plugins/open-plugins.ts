import { ConfigurationError, GatewayError, toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Plugin, PluginParts, PluginPorts, PluginServices } from "../../core/ports/plugin.ts"
import { callBounded } from "../../core/time/call-bounded.ts"
import { rejectOnAbort } from "../../core/time/reject-on-abort.ts"

/** A plugin of one agent with the parts that its setup returned. */
export interface OpenedPlugin {
  readonly name: string
  /** If true, an option of the gateway stands for this plugin. */
  readonly isBuiltIn: boolean
  readonly parts: PluginParts
}

export interface OpenPluginsOptions {
  /** Returns the services of one plugin. */
  readonly servicesFor: (name: string, ports: Partial<PluginPorts>) => PluginServices
  readonly isBuiltIn: (plugin: Plugin) => boolean
  readonly logger: Logger
  /** Aborted if the gateway closes while it starts. */
  readonly signal: AbortSignal
}

/** Maximum milliseconds for the interruption or the close of one plugin. */
const closeTimeoutMs = 5_000

/**
 * Opens plugins in their order. If one fails, closes those before it and rejects with an error that names it. Throws
 * a `ConfigurationError` if a name is not allowed or not unique.
 */
export async function openPlugins(
  plugins: readonly Plugin[],
  { servicesFor, isBuiltIn, logger, signal }: OpenPluginsOptions,
): Promise<readonly OpenedPlugin[]> {
  requireNames(plugins)
  const opened: OpenedPlugin[] = []
  let ports: Partial<PluginPorts> = {}
  for (const plugin of plugins) {
    const source = { name: plugin.name, isBuiltIn: isBuiltIn(plugin) }
    const services = servicesFor(source.name, ports)
    const setup = Promise.resolve().then(() => plugin.setup(services))
    try {
      const parts = await rejectOnAbort(signal, setup)
      opened.push({ ...source, parts })
      ports = { ...ports, ...parts.provides }
    } catch (thrown) {
      // A setup that ignores the signal may still open resources.
      if (signal.aborted)
        void setup.then(
          (parts) => closePlugins([{ ...source, parts }], logger),
          () => undefined,
        )
      await closePlugins(opened, logger)
      throw signal.aborted ? thrown : createOpenError(source, toError(thrown))
    }
  }
  return opened
}

/** Closes plugins in reverse, each for at most five seconds. Never rejects. Failures are logged. */
export async function closePlugins(plugins: readonly OpenedPlugin[], logger: Logger): Promise<void> {
  for (const { name, parts } of plugins.toReversed()) {
    try {
      await callBounded(() => parts.close?.(), {
        name: `close of the plugin ${name}`,
        timeoutMs: closeTimeoutMs,
      })
    } catch (error) {
      logger.error(
        { plugin: name, error },
        "A plugin failed to close. The gateway continues to close without it.",
      )
    }
  }
}

/** Maximum milliseconds for the start of one plugin. */
const startTimeoutMs = 30_000

/** Starts plugins in their order. If one fails or takes too long, rejects with an error that names it. */
export async function startPlugins(plugins: readonly OpenedPlugin[]): Promise<void> {
  for (const { name, isBuiltIn, parts } of plugins) {
    try {
      await callBounded(() => parts.start?.(), {
        name: `start of the plugin ${name}`,
        timeoutMs: startTimeoutMs,
      })
    } catch (error) {
      throw createOpenError({ name, isBuiltIn }, toError(error))
    }
  }
}

/**
 * Ends everything that runs may wait for, so that a closing gateway need not wait. Never rejects. Failures are
 * logged.
 */
export async function interruptPlugins(plugins: readonly OpenedPlugin[], logger: Logger): Promise<void> {
  await Promise.all(
    plugins.map(async ({ name, parts }) => {
      try {
        await callBounded(() => parts.interrupt?.(), {
          name: `interrupt of the plugin ${name}`,
          timeoutMs: closeTimeoutMs,
        })
      } catch (error) {
        logger.error(
          { plugin: name, error },
          "A plugin failed to interrupt its work. The gateway continues to close.",
        )
      }
    }),
  )
}

function requireNames(plugins: readonly Plugin[]): void {
  const names = new Set<string>()
  for (const { name } of plugins) {
    if (!/^[a-z][a-z0-9_-]{0,63}$/.test(name)) {
      throw new ConfigurationError(
        `plugins: ${JSON.stringify(name)} is not a plugin name. Use 1 to 64 lowercase letters, ` +
          "digits, dashes and underscores, with a letter first.",
      )
    }
    if (names.has(name)) {
      throw new ConfigurationError(
        `plugins: two plugins of an agent are named ${JSON.stringify(name)}. Give one of them another name.`,
      )
    }
    names.add(name)
  }
}

/**
 * Returns the error of a plugin that cannot be opened. It names the plugin, unless a built-in plugin reports a wrong
 * configuration: its message names the option, and the user may not know that a plugin is behind it.
 */
function createOpenError(
  { name, isBuiltIn }: Pick<OpenedPlugin, "name" | "isBuiltIn">,
  cause: Error,
): GatewayError {
  if (isBuiltIn && cause instanceof ConfigurationError) return cause
  const message = `The plugin ${name} could not be opened: ${cause.message}`
  if (cause instanceof ConfigurationError) return new ConfigurationError(message, { cause })
  return new GatewayError({ code: "plugin_failed", status: 500 }, message, { cause })
}
