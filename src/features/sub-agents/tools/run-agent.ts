import type { JsonObject } from "../../../core/json/json.ts"
import type { Answered, Tool, ToolOutcome } from "../../../core/ports/tools/tool.ts"
import { createFailure, defineTool } from "../../../core/tools/define-tool.ts"
import { chooseWorker, plainName, type Request, type Worker, type Workers } from "../choose-worker.ts"
import { describeOutcome, isTimeLimit } from "./describe-outcome.ts"

const runAgentName = "run_agent"

type SaveAnswer = (skill: string, toolCallId: string, response: string) => Promise<void>

/**
 * Creates the tool that delegates a task to a sub-agent. It has no effect of its own, because the gateway starts the
 * sub-agent with the wait.
 */
export function runAgentTool(workers: Workers, saveAnswer: SaveAnswer): Tool {
  const { models, background, announce, maxAnnouncedRuns, onBeforeBackground } = workers.options
  const names = listNames(workers)
  return defineTool({
    name: runAgentName,
    description: describe(workers),
    properties: {
      task: {
        type: "string",
        minLength: 1,
        description:
          "The whole task. The sub-agent does not see this conversation, so include all that it needs.",
      },
      ...(names.length > 0 && {
        agent: {
          type: "string",
          description: "Name of the sub-agent. Without it, a copy of you does the task.",
        },
      }),
      ...(models.length > 0 && {
        model: {
          type: "string",
          enum: [...models],
          description: "Model of the sub-agent. Default: your own.",
        },
      }),
      ...(background && {
        background: {
          type: "boolean",
          description:
            "If true, returns a task_id at once, and the sub-agent works while you continue. Default false.",
        },
      }),
    },
    required: ["task"],
    idempotent: true,
    async execute(input, { answered, session, toolCallId, signal }) {
      if (answered?.kind === "child") {
        const name = String(answered.continuation.name)
        const isSkill = !workers.options.agents.includes(name) && name !== plainName
        if (isSkill && answered.outcome === "completed") await saveAnswer(name, toolCallId, answered.response)
        return toOutcome(answered)
      }
      const worker = chooseWorker(workers, toRequest(input))
      if (worker === null) return createUnknownAgent(names)
      if (input.background !== true) return startOf(worker)
      const { name, task } = worker
      await onBeforeBackground?.(
        { sessionId: session.id, toolCallId, agent: name, task: String(input.task) },
        { signal },
      )
      return { type: "task", task, name, announce, maxAnnouncedRuns }
    },
  })
}

function startOf({ name, task }: Worker): ToolOutcome {
  return { type: "wait", kind: "child", task, continuation: { name } }
}

function toRequest({ task, agent, model }: JsonObject): Request {
  return {
    task: String(task),
    agent: typeof agent === "string" ? agent : null,
    model: typeof model === "string" ? model : null,
  }
}

function toOutcome(answered: Extract<Answered, { kind: "child" }>): ToolOutcome {
  const { continuation, response, error } = answered
  if (error !== null && !isTimeLimit(answered)) {
    const so = response === "" ? "" : ` It had written: ${response}`
    return createFailure(error.code, `The sub-agent failed: ${error.message}${so}`)
  }
  return { type: "json", value: { agent: String(continuation.name), ...describeOutcome(answered) } }
}

function listNames({ options, skills }: Workers): readonly string[] {
  return [...new Set([...options.agents, ...skills.map(({ name }) => name)])]
}

function createUnknownAgent(names: readonly string[]): ToolOutcome {
  const known = names.length === 0 ? "There are no named sub-agents" : `Choose one of: ${names.join(", ")}`
  return createFailure(
    "unknown_agent",
    `There is no sub-agent with that name. ${known}, or leave out the name.`,
  )
}

/** Maximum characters of the list of sub-agents. */
const maxListCharacters = 8_000

function describe({ options, skills }: Workers): string {
  const lines = [
    ...options.agents.map((name) => `- ${name}: an agent with its own tools.`),
    ...skills
      .filter(({ name }) => !options.agents.includes(name))
      .map(({ name, description }) => `- ${name}: ${description}`),
  ]
  const text =
    "Hands a task to a sub-agent, which works in a conversation of its own and returns its last response. " +
    `Call it several times in one message to run up to ${options.maxConcurrent} sub-agents at the same time.`
  if (lines.length === 0) return text
  const list = lines.join("\n")
  const shown = list.length <= maxListCharacters ? list : `${list.slice(0, maxListCharacters)} …`
  return `${text}\nThe sub-agents by name:\n${shown}`
}
