import { toError } from "../../core/errors.ts"
import type { Logger } from "../../core/ports/logger.ts"
import type { Audience, PluginCheck } from "../../core/ports/plugin.ts"
import { callBounded } from "../../core/time/call-bounded.ts"
import type { Check } from "../readiness.ts"
import type { OpenedPlugin } from "./open-plugins.ts"

const checkTimeoutMs = 5_000

/** Resolves to the plugins' checks by name. A check that throws, or takes five seconds, counts as not ok. */
export async function checkPlugins(
  plugins: readonly OpenedPlugin[],
  audience: Audience,
  logger: Logger,
): Promise<Readonly<Record<string, Check>>> {
  const checks = await Promise.all(plugins.map((plugin) => runChecks(plugin, audience, logger)))
  return Object.fromEntries(checks.flat())
}

async function runChecks(
  { name, parts }: OpenedPlugin,
  audience: Audience,
  logger: Logger,
): Promise<readonly (readonly [string, Check])[]> {
  const bounds = { name: `checks of the plugin ${name}`, timeoutMs: checkTimeoutMs }
  try {
    const checks = (await callBounded(() => parts.checks?.(audience), bounds)) ?? []
    return checks.map(({ part, ...check }) => [part === undefined ? name : `${name}:${part}`, check])
  } catch (error) {
    logger.error({ plugin: name, error }, "The check of a plugin failed.")
    return [[name, createFailedCheck(toError(error), audience)]]
  }
}

function createFailedCheck({ message }: Error, { isOperator }: Audience): PluginCheck {
  return { ok: false, detail: isOperator ? `The check failed: ${message}` : "The check failed." }
}
