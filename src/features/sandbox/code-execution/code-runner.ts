import { toJson } from "../../../core/json/to-json.ts"
import type { CodeRunner } from "../../../core/ports/tools/code-runner.ts"
import { findContent } from "../../../kernel/tools/tool-content.ts"
import { type CodeToolsParts, createCodeResult, overheadMs, requireLanguage } from "./code-tools.ts"
import { startCode } from "./run-code.ts"

/** Creates the runner of code for the tools of other plugins. It works like `code_execute`. */
export function createCodeRunner({
  sandboxes,
  defaultTimeoutMs,
  maxTimeoutMs,
  maxOutputBytes,
  imageLimits,
}: CodeToolsParts): CodeRunner {
  const [host] = sandboxes.hosts
  if (host === undefined) throw new Error("No backend can execute code.")
  return {
    hosts: sandboxes.hosts,
    maxTimeoutMs,
    overheadMs,
    async run({ language, code, folders, timeoutMs = defaultTimeoutMs, maxResultBytes }, context) {
      requireLanguage(host, language)
      const request = {
        host: host.name,
        language,
        code,
        folders,
        timeoutMs: Math.min(timeoutMs, maxTimeoutMs),
      }
      const sandbox = await sandboxes.open(context.session)
      const { signal, emit: onOutput } = context
      const { ended, record } = startCode({ sandbox, request, maxOutputBytes, imageLimits, signal, onOutput })
      await ended
      const value = createCodeResult(record, record.report(maxResultBytes))
      const content = findContent(value)
      return content === null
        ? { type: "json", value: toJson(value, "The report of code") }
        : { type: "content", content }
    },
  }
}
