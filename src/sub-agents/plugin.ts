import { ConfigurationError } from "../core/errors.ts"
import type { Plugin } from "../core/ports/plugin.ts"
import { resolveOptions, type SubAgentOptions } from "./options.ts"
import { runAgentTool } from "./tools/run-agent.ts"

const forSubAgents =
  "You work as a sub-agent: the message is a task from another agent, and " +
  "no person reads this conversation. Do the whole task " +
  "without asking back. Your last message is all that the other agent receives, so put the complete result into it."

/** Lets an agent hand tasks to sub-agents. */
export function subAgentsPlugin(given: SubAgentOptions): Plugin {
  const options = resolveOptions(given)
  return {
    name: "sub_agents",
    setup({ agents, ports }) {
      const unknown = options.agents.filter((name) => !agents.includes(name))
      if (unknown.length > 0) {
        throw new ConfigurationError(
          `subAgents: the gateway has no agent ${JSON.stringify(unknown[0])}. Its agents are ${agents.join(", ")}.`,
        )
      }
      return {
        async openRun({ session }) {
          const depth = session?.depth ?? 0
          const instructions = depth === 0 ? [] : [forSubAgents]
          if (depth >= options.maxDepth) return { instructions }
          const skills = (await ports.agentSkills?.current()) ?? []
          const tools = [runAgentTool({ options, skills })]
          return { tools: () => tools, instructions }
        },
      }
    },
  }
}
