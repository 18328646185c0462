import { ConfigurationError } from "../../core/errors.ts"
import type { Plugin } from "../../core/ports/plugin.ts"
import { createBackgroundSubscriber } from "./background-subscriber.ts"
import { resolveSubAgentOptions, type SubAgentOptions } from "./options.ts"
import { createOutputs } from "./outputs.ts"
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
