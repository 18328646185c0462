import { ConfigurationError } from "../../core/errors.ts"
import type { EventEntry } from "../../core/log/entries.ts"
import type { Plugin, PluginParts } from "../../core/ports/plugin.ts"
import { plainName } from "./choose-worker.ts"
import { type ResolvedSubAgentOptions, resolveSubAgentOptions, type SubAgentOptions } from "./options.ts"
import { createOutputs, type SaveOutput } from "./outputs.ts"
import { cancelTaskTool, getBackgroundResultTool, sendMessageTool } from "./tools/background-tools.ts"
import { runAgentTool } from "./tools/run-agent.ts"

const forSubAgents =
  "You work as a sub-agent: the message is a task from another agent, and " +
  "no person reads this conversation. Do the whole task without asking questions. Your last message is all " +
  "that the other agent receives, so put the complete result into it."

/** Creates the plugin that lets an agent delegate tasks to sub-agents. */
export function subAgentsPlugin(given: SubAgentOptions): Plugin {
  const options = resolveSubAgentOptions(given)
  return {
    name: "sub_agents",
    // Sub-agents may work by the agent's skills.
    after: ["skills"],
    setup({ agents, clock, logger, ports }) {
      const unknown = options.agents.filter((name) => !agents.includes(name))
      if (unknown.length > 0) {
        throw new ConfigurationError(
          `subAgents: the gateway has no agent ${JSON.stringify(unknown[0])}. Its agents are ${agents.join(", ")}.`,
        )
      }
      const save = options.outputsDir === undefined ? null : createOutputs(options.outputsDir, logger)
      const subscriber = createBackgroundSubscriber(options, save)
      const saveAnswer = (skill: string, id: string, response: string) =>
        save?.({ skill, id, response, at: clock.now() }) ?? Promise.resolve()
      return {
        ...(subscriber !== null && { subscriber }),
        async openRun({ session, maxToolResultBytes }) {
          const depth = session?.depth ?? 0
          const instructions = depth === 0 ? [] : [forSubAgents]
          if (depth >= options.maxDepth) return { instructions }
          const skills = (await ports.agentSkills?.current()) ?? []
          const background = [
            getBackgroundResultTool({ maxResultBytes: maxToolResultBytes, clock }),
            sendMessageTool(),
            cancelTaskTool(),
          ]
          const tools = [
            runAgentTool({ options, skills }, saveAnswer),
            ...(options.background ? background : []),
          ]
          return { tools: () => tools, instructions }
        },
      }
    },
  }
}

/** Maximum milliseconds of the hook for one page of events. */
const timeoutMs = 30_000

/** Calls the hook for each end of a background task, and saves its output. Null if neither is configured. */
function createBackgroundSubscriber(
  { onBackgroundComplete: hook, agents }: ResolvedSubAgentOptions,
  save: SaveOutput | null,
): NonNullable<PluginParts["subscriber"]> | null {
  if (hook === undefined && save === null) return null
  const receive = async (sessionId: string, { event, at }: EventEntry, signal: AbortSignal) => {
    if (event.type !== "taskEnded") return
    const { taskId, name, toolCallId: id, outcome } = event
    const isSkill = name !== plainName && name !== "" && !agents.includes(name)
    if (isSkill && outcome.outcome === "completed") {
      await save?.({ skill: name, id, response: outcome.response, at })
    }
    await hook?.({ sessionId, taskId, agent: name, outcome }, { signal })
  }
  return {
    timeoutMs,
    async onEvents({ sessionId, entries }, { signal, handled }) {
      for (const entry of entries) {
        await receive(sessionId, entry, signal)
        handled(entry.seq)
      }
    },
  }
}
