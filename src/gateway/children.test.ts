import { expect, it, onTestFinished, vi } from "vitest"
import type { ModelRequest } from "../core/ports/model/provider.ts"
import { tool } from "../kernel/tools/local-tool.ts"
import { wait } from "../kernel/tools/wait.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import type { GatewayOptions } from "./create-gateway.ts"
import { createGateway } from "./create-gateway.ts"
import type { ApprovalAnswer } from "./gateway.ts"

const logger = { debug() {}, info() {}, warn() {}, error() {} }
const patience = { interval: 20 }

/** Returns a tool that hands its task to another agent and returns the outcome. */
function delegate(agent: string) {
  return tool({
    name: "delegate",
    description: "Hands a task to another agent.",
    inputSchema: { type: "object", properties: { task: { type: "string" } } },
    execute: ({ task }, { answered }) => {
      if (answered?.kind !== "child") return wait.child({ agent, message: String(task) })
      const { outcome, reason, response, error } = answered
      return { outcome, reason, response, error: error?.code ?? null }
    },
  })
}

const pay = tool({
  name: "pay",
  description: "Pays.",
  inputSchema: { type: "object", properties: {} },
  needsApproval: true,
  execute: () => "paid",
})

/** Returns a model that delegates these tasks in one message and then responds with their results. */
function leads(...tasks: readonly string[]) {
  return scriptedProvider((request) => {
    const last = request.messages.at(-1)
    if (last?.role === "tool") return [{ type: "text", text: JSON.stringify(last.results) }]
    return tasks.map((task): ScriptedStep => ({ type: "toolCall", name: "delegate", input: { task } }))
  })
}

const taskOf = ({ messages }: ModelRequest): string => {
  const [first] = messages
  const part = first?.role === "user" ? first.content[0] : undefined
  return part?.type === "text" ? part.text : ""
}

/** Returns a model that responds with its task. */
const works = () => scriptedProvider((request) => [{ type: "text", text: `Did ${taskOf(request)}.` }])

function start(options: GatewayOptions) {
  const gateway = createGateway({ store: "memory", logger, ...options })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return gateway
}

it("runs three children without using a place, and continues with their answers", async () => {
  const gateway = start({
    maxConcurrentRuns: 1,
    agents: {
      lead: { systemPrompt: "You lead.", provider: leads("a", "b", "c"), tools: [delegate("worker")] },
      worker: { systemPrompt: "You work.", provider: works() },
    },
  })
  const { outcome, response } = await gateway.run("Go.")
  expect(outcome).toBe("completed")
  for (const task of ["a", "b", "c"]) expect(response).toContain(`Did ${task}.`)
})

it("parks a run whose child asks, with `park`, and completes it after the answer", async () => {
  const gateway = start({
    agents: {
      lead: { systemPrompt: "You lead.", provider: leads("a", "b"), tools: [delegate("worker")] },
      worker: {
        systemPrompt: "You work.",
        tools: [pay],
        provider: scriptedProvider((request) => {
          const isDone = request.messages.at(-1)?.role === "tool" || taskOf(request) === "b"
          return isDone ? [{ type: "text", text: "Paid." }] : [{ type: "toolCall", name: "pay", input: {} }]
        }),
      },
    },
  })
  const { outcome, sessionId, runId } = await gateway.run("Go.", { park: true })
  expect(outcome).toBe("parked")
  const waits = await gateway.waits.list({ sessionId })
  // The child without a question has ended.
  expect(waits.map(({ kind }) => kind).sort()).toEqual(["approval", "child"])
  for (const wait of waits) if (wait.kind === "approval") await gateway.waits.approve(wait)
  await vi.waitUntil(async () => (await gateway.sessions.run(runId))?.state === "completed", patience)
})

it("returns the failure of a child to the call", async () => {
  const gateway = start({
    agents: {
      lead: { systemPrompt: "You lead.", provider: leads("a"), tools: [delegate("worker")] },
      worker: {
        systemPrompt: "You work.",
        maxRetries: 0,
        provider: scriptedProvider(() => [{ type: "failure", code: "quota_exceeded" }]),
      },
    },
  })
  const { response } = await gateway.run("Go.")
  expect(response).toContain('"outcome":"failed"')
  expect(response).toContain("quota_exceeded")
})

it("lists the agents for the model if a tool names an unknown one", async () => {
  const gateway = start({
    agents: { lead: { systemPrompt: "You lead.", provider: leads("a"), tools: [delegate("nobody")] } },
  })
  const { response } = await gateway.run("Go.")
  expect(response).toContain("unknown_agent")
  expect(response).toContain('Choose one of: \\"lead\\".')
})

it("lets the root's session answer an approval that a grandchild asks for", async () => {
  const gateway = start({
    agents: {
      lead: { systemPrompt: "You lead.", provider: leads("a"), tools: [delegate("middle")] },
      middle: { systemPrompt: "You lead too.", provider: leads("b"), tools: [delegate("worker")] },
      worker: {
        systemPrompt: "You work.",
        tools: [pay],
        provider: scriptedProvider(({ messages }) => [
          messages.at(-1)?.role === "tool"
            ? { type: "text", text: "Paid." }
            : { type: "toolCall", name: "pay", input: {} },
        ]),
      },
    },
  })
  const call = async (path: string, headers: Record<string, string>, body?: object) => {
    const method = body === undefined ? "GET" : "POST"
    const init = { method, headers: { "content-type": "application/json", ...headers } }
    return gateway.fetch(
      new Request(`http://g/api${path}`, body === undefined ? init : { ...init, body: JSON.stringify(body) }),
    )
  }
  const init = (await (await call("/chat/init", {}, { api_key: "key" })).json()) as { session_token: string }
  const headers = { authorization: `Bearer ${init.session_token}` }
  const chat = await call("/chat", headers, { message: "Go." })
  const asked = await vi.waitUntil(async () => {
    const { waits } = (await (await call("/chat/waits", headers)).json()) as {
      waits: { kind: string; tool_call_id: string; nonce: string }[]
    }
    return waits.find(({ kind }) => kind === "approval") ?? null
  }, patience)
  const { tool_call_id, nonce } = asked
  const stranger = (await (await call("/chat/init", {}, { api_key: "key" })).json()) as {
    session_token: string
  }
  const refused = await call(
    "/chat/tool-approval",
    { authorization: `Bearer ${stranger.session_token}` },
    { tool_call_id, nonce, approved: true },
  )
  expect(refused.status).toBe(404)
  const answered = await call("/chat/tool-approval", headers, { tool_call_id, nonce, approved: true })
  expect(answered.status).toBe(200)
  expect(await chat.text()).toContain("Paid.")
})

it("cancels the children of a run that is canceled", async () => {
  let begun = 0
  const stopped: string[] = []
  const gateway = start({
    agents: {
      lead: { systemPrompt: "You lead.", provider: leads("a", "b"), tools: [delegate("worker")] },
      worker: {
        systemPrompt: "You work.",
        provider: scriptedProvider(() => [{ type: "toolCall", name: "hang", input: {} }]),
        tools: [
          tool({
            name: "hang",
            description: "Hangs.",
            inputSchema: { type: "object", properties: {} },
            execute: (_input, { signal, session }) =>
              new Promise((_resolve, reject) => {
                begun += 1
                signal.addEventListener("abort", () => {
                  stopped.push(session.id)
                  reject(signal.reason)
                })
              }),
          }),
        ],
      },
    },
  })
  const cancel = new AbortController()
  const running = gateway.run("Go.", { signal: cancel.signal })
  await vi.waitUntil(() => begun === 2, patience)
  cancel.abort()
  expect(await running).toMatchObject({ outcome: "interrupted", reason: "cancelled" })
  await vi.waitUntil(() => stopped.length === 2, patience)
  expect(new Set(stopped).size).toBe(2)
})

/** A worker agent whose tool needs an approval. */
const careful = () => ({
  systemPrompt: "You work.",
  tools: [pay],
  provider: scriptedProvider(({ messages }) => {
    const last = messages.at(-1)
    return last?.role === "tool"
      ? [{ type: "text", text: JSON.stringify(last.results) }]
      : [{ type: "toolCall", name: "pay", input: {} }]
  }),
})

it("asks the caller of run() about the approvals of children, and denies them without a callback", async () => {
  const gateway = start({
    agents: {
      lead: { systemPrompt: "You lead.", provider: leads("a", "b"), tools: [delegate("worker")] },
      worker: careful(),
    },
  })
  const denied = await gateway.run("Go.")
  expect(denied).toMatchObject({
    outcome: "completed",
    response: expect.stringContaining("No one can be asked"),
  })
  const asked: string[] = []
  const approved = await gateway.run("Go.", {
    onApproval: ({ waitId }) => {
      asked.push(waitId)
      return { approved: true }
    },
  })
  expect(approved.response).toContain("paid")
  expect(asked).toHaveLength(2)
  expect(new Set(asked).size).toBe(2)
})

it("cancels the run and rejects if a callback throws because of a child", async () => {
  const gateway = start({
    agents: {
      lead: { systemPrompt: "You lead.", provider: leads("a"), tools: [delegate("worker")] },
      worker: careful(),
    },
  })
  const run = gateway.run("Go.", {
    onApproval: () => {
      throw new Error("The person is gone.")
    },
  })
  await expect(run).rejects.toThrow("The person is gone.")
})

it("needs no approval in other sessions of the tree for a tool type that was granted to the tree", async () => {
  const gateway = start({
    agents: {
      lead: {
        systemPrompt: "You lead.",
        tools: [delegate("worker")],
        // The children run one after the other.
        provider: scriptedProvider(({ messages }) => {
          const done = messages.filter(({ role }) => role === "tool").length
          return done === 2
            ? [{ type: "text", text: JSON.stringify(messages) }]
            : [{ type: "toolCall", name: "delegate", input: { task: String(done) } }]
        }),
      },
      worker: careful(),
    },
  })
  const askedWith = async (answer: ApprovalAnswer) => {
    const asked: string[] = []
    const { response, sessionId } = await gateway.run("Go.", {
      onApproval: ({ sessionId }) => {
        asked.push(sessionId)
        return answer
      },
    })
    expect(response.match(/paid/g)?.length).toBeGreaterThanOrEqual(2)
    return { asked, grants: await gateway.waits.grants(sessionId) }
  }
  const session = await askedWith({ approved: true, allowToolType: true })
  expect(session).toMatchObject({ asked: { length: 2 }, grants: [] })
  const tree = await askedWith({ approved: true, allowToolType: true, scope: "tree" })
  expect(tree).toMatchObject({ asked: { length: 1 }, grants: [{ toolName: "pay", scope: "tree" }] })
})
