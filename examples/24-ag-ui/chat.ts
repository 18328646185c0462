import { createInterface } from "node:readline/promises"
import { type AgentSubscriber, HttpAgent, type RunAgentParameters } from "@ag-ui/client"

const [url = "http://127.0.0.1:8000/api/ag-ui", threadId = crypto.randomUUID()] = process.argv.slice(2)
const agent = new HttpAgent({ url, threadId, headers: { authorization: "Bearer dev" } })
const terminal = createInterface({ input: process.stdin, output: process.stdout })

/** A tool that this program executes. */
const clock = { name: "clock", description: "Tells the user's time.", parameters: { type: "object" } }

// When its connection breaks, HttpAgent rejects twice, once where no one can handle it. `run` handles the other one.
process.on("unhandledRejection", (error) => {
  if (!(error instanceof TypeError && error.message === "terminated")) throw error
})

let speaker: string | undefined

const show: AgentSubscriber = {
  // A repeated run also shows the message of the user, who has it on the screen.
  onTextMessageStartEvent: ({ event }) => {
    speaker = event.role
  },
  onTextMessageContentEvent: ({ event }) => {
    if (speaker !== "user") process.stdout.write(event.delta)
  },
  onToolCallResultEvent: ({ event }) => console.log(`[${event.content}]`),
  onRunFinishedEvent: () => console.log(),
  // AG-UI cannot take a message back, so the gateway names the response that broke off.
  onCustomEvent: ({ event, messages }) => {
    if (event.name !== "gateway.message_discarded") return
    console.log("\n[The response broke off. Another one follows.]")
    return { messages: messages.filter(({ id }) => !id.startsWith(event.value.messageId)) }
  },
}

/** Runs the agent. A repeated run with the same id shows the run that exists, and starts no other one. */
async function run(parameters: RunAgentParameters): Promise<void> {
  const runId = crypto.randomUUID()
  for (let attempt = 1; ; attempt++) {
    try {
      await agent.runAgent({ ...parameters, tools: [clock], runId }, show)
      return
    } catch (error) {
      if (attempt === 10) throw error
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  }
}

/** Asks the user what the agent asks. Returns null if it asks nothing. */
async function answerInterrupts(): Promise<RunAgentParameters | null> {
  const resume = []
  for (const { id, message } of agent.pendingInterrupts) {
    const approved = (await terminal.question(`${message} [y/n] `)) === "y"
    resume.push({ interruptId: id, status: "resolved" as const, payload: { approved } })
  }
  return resume.length === 0 ? null : { resume }
}

/** Executes the calls of the program's own tool. Returns null if there are none. */
function executeCalls(): RunAgentParameters | null {
  const last = agent.messages.at(-1)
  const calls = last?.role === "assistant" ? (last.toolCalls ?? []) : []
  const own = calls.filter((call) => call.function.name === clock.name)
  for (const { id: toolCallId } of own)
    agent.addMessage({ id: crypto.randomUUID(), role: "tool", toolCallId, content: new Date().toString() })
  return own.length === 0 ? null : {}
}

process.stdout.write("> ")
for await (const content of terminal) {
  agent.addMessage({ id: crypto.randomUUID(), role: "user", content })
  let next: RunAgentParameters | null = {}
  while (next !== null) {
    await run(next)
    next = (await answerInterrupts()) ?? executeCalls()
  }
  process.stdout.write("> ")
}
