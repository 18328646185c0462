import type { ChatEvent } from "../../core/wire/chat-event.ts"
import type { CliContext } from "../cli-context.ts"
import { formatAsLine } from "../cli-error.ts"

/** Maximum characters of a tool's arguments that are shown. */
const maxInput = 200

/**
 * Prints progress on standard error, one line each: what a run waits for, calls of tools, starts of sub-agents, starts
 * and ends of background tasks, and pending approvals and questions. Lines about the work of a sub-agent start with
 * `sub-agent`. Calls `beforeLine` before each line.
 */
export function createProgressPrinter(
  { stderr }: Pick<CliContext, "stderr">,
  beforeLine: () => void,
): (event: ChatEvent) => void {
  return (event) => {
    const line = describe(event)
    if (line === null) return
    beforeLine()
    const isBelow = event.sub_agent_id !== undefined && event.type !== "sub_agent_start"
    stderr.write(`${isBelow ? "sub-agent " : ""}${formatAsLine(line)}\n`)
  }
}

function describe(event: ChatEvent): string | null {
  switch (event.type) {
    case "status":
      return event.message
    case "tool_call_start":
      return `[${event.tool_name}] ${formatAsLine(JSON.stringify(event.tool_input), maxInput)}`
    case "tool_call_complete": {
      const { tool_name: name, error, is_error: isError, warning, duration_ms: ms } = event
      const time = `${(ms / 1_000).toFixed(1)} s`
      if (error !== null) return `[${name}] failed after ${time}: ${error.message} (${error.code})`
      const note = warning === undefined ? "" : `: ${warning}`
      return isError === true ? `[${name}] failed after ${time}${note}` : `[${name}] done in ${time}${note}`
    }
    case "tool_call_interrupted":
      return `[${event.tool_name}] interrupted (${event.reason})`
    case "tool_approval_request":
      return `[${event.tool_name}] needs an approval`
    case "elicitation_request":
      return `[${event.tool_name}] asks: ${event.message}`
    case "sub_agent_start":
      return event.task_id === undefined ? `[${event.agent_name}] starts to work` : null
    case "task_registered":
      return `[${event.agent_name}] works in the background: ${event.description}`
    case "task_completed": {
      const why =
        event.error == null ? (event.reason ?? null) : `${event.error.message} (${event.error.code})`
      return `[${event.agent_name}] background task ${event.disposition}${why === null ? "" : `: ${why}`}`
    }
    default:
      return null
  }
}
