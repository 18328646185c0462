import { expect, it, onTestFinished } from "vitest"
import { requires } from "../../test/needs.ts"
import { sandboxDirectory } from "../../test/sandbox/support/open.ts"
import type { ModelRequest } from "../core/ports/model/provider.ts"
import { removeTree } from "../features/sandbox/workspace/remove-tree.ts"
import { silentLogger } from "../kernel/sessions/fixtures/test-gateway.ts"
import { type ScriptedStep, scriptedProvider } from "../testing/provider/scripted-provider.ts"
import type { ChatModelRuntime } from "./agent/chat-runtime.ts"
import { createGatewayApp, type GatewayAppOptions } from "./create-gateway-app.ts"

const say = (text: string): ScriptedStep => ({ type: "text", text })
const isSummary = ({ system }: ModelRequest) =>
  system.some(({ text }) => text.includes("You write summaries"))
const long = "Words that fill the window. ".repeat(60)

/** Starts a gateway whose runs have settings of their own by user. */
function start(
  settings: Readonly<Record<string, Partial<ChatModelRuntime>>>,
  {
    respond = () => [say("Yes.")],
    ...options
  }: Partial<GatewayAppOptions> & { readonly respond?: (request: ModelRequest) => readonly ScriptedStep[] },
) {
  const provider = scriptedProvider((request) =>
    isSummary(request) ? [say("They talked.")] : respond(request),
  )
  const gateway = createGatewayApp({
    store: "memory",
    logger: silentLogger,
    buildChatRuntime: ({ session: { userId } }) => ({
      systemPrompt: "You help.",
      provider,
      model: "model",
      maxTokens: 500,
      ...settings[userId],
    }),
    ...options,
  })
  onTestFinished(() => gateway.close({ graceMs: 0 }))
  return { gateway, provider }
}

it("a runtime has its own compaction, or none, and otherwise that of the agent", async () => {
  const { gateway, provider } = start(
    { rhymes: { compaction: { instructions: "Write in rhymes." } }, none: { compaction: false } },
    { contextWindow: 6_000, compaction: { instructions: "Name each decision." } },
  )
  const summarize = async (userId: string) => {
    const before = provider.requests.length
    const { sessionId } = await gateway.run(long, { userId })
    for (let turn = 0; turn < 20; turn += 1) await gateway.run(`${turn}: ${long}`, { userId, sessionId })
    return JSON.stringify(provider.requests.slice(before).filter(isSummary))
  }
  expect(await summarize("rhymes")).toContain("Write in rhymes.")
  expect(await summarize("other")).toContain("Name each decision.")
  expect(await summarize("none")).toBe("[]")
})

it("a runtime has its own settings of code execution, or no code", async () => {
  await requires("linux")
  const directory = await sandboxDirectory()
  onTestFinished(() => removeTree(directory))
  const { gateway, provider } = start(
    {
      prepared: {
        codeExecution: {
          preamble: { shell: "name=Ada" },
          prepareEnv: () => ({ CITY: "London" }),
          descriptionSuffix: "The variable name is set.",
        },
      },
      none: { codeExecution: false },
    },
    {
      codeExecution: { backends: ["subprocess"], directory, preamble: { shell: "name=nobody" } },
      respond: ({ messages, tools }) =>
        messages.at(-1)?.role === "tool" || tools.length === 0
          ? [say("Done.")]
          : [
              {
                type: "toolCall",
                name: "code_execute",
                input: { language: "shell", code: "echo $name in $CITY" },
              },
            ],
    },
  )
  const run = async (userId: string) => {
    const results: unknown[] = []
    await gateway.run("Go.", {
      userId,
      onApproval: () => ({ approved: true }),
      onEvent: (event) => event.type === "tool_call_complete" && results.push(event.result ?? event.error),
    })
    const [tool] = provider.requests.at(-1)?.tools ?? []
    return { results, description: tool?.description ?? null }
  }
  const prepared = await run("prepared")
  expect(prepared.results).toMatchObject([{ stdout: "Ada in London\n" }])
  expect(prepared.description).toMatch(/The variable name is set\.$/)
  expect((await run("other")).results).toMatchObject([{ stdout: "nobody in\n" }])
  expect(await run("none")).toEqual({ results: [], description: null })
})

it("a runtime cannot turn on code execution that the agent does not have", async () => {
  const { gateway } = start({ code: { codeExecution: true }, none: { codeExecution: false } }, {})
  expect(await gateway.run("Go.", { userId: "code" })).toMatchObject({ outcome: "failed" })
  expect(await gateway.run("Go.", { userId: "none" })).toMatchObject({ outcome: "completed" })
  expect(() =>
    createGatewayApp({
      buildChatRuntime: { systemPrompt: "", codeExecution: { memoryMb: 1 } as never },
    }),
  ).toThrow("codeExecution.memoryMb")
})
