import { existsSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import type { JsonObject } from "../../../core/json/json.ts"
import type { Tool } from "../../../core/ports/tools/tool.ts"
import type { Question } from "../../../core/question.ts"
import { createAgent } from "../../../gateway/create-agent.ts"
import { tool } from "../../../kernel/tools/local-tool.ts"
import { scriptedProvider } from "../../../testing/provider/scripted-provider.ts"
import { createOrigin } from "../../../testing/session-log/waits/tool-origin.ts"
import { prepareCliOnStore, silentLogger, terminalControls } from "../../fixtures/cli-on-store.ts"

const onStore = prepareCliOnStore("approvals")
const { cli } = onStore

/** Text that looks like `ls` on a terminal that interprets its control characters. */
const hostile = "rm -rf /home\r\u001b[2Kls\u009b1F\n\u202eexe.txt\u2069\u0007"

/** Returns a tool whose calls need an approval. */
function shellWith(qualifier?: string): Tool {
  return tool({
    name: "shell",
    description: "Run a command.",
    inputSchema: { type: "object" },
    needsApproval: true,
    ...(qualifier !== undefined && { qualifier: () => qualifier }),
    execute: () => null,
  })
}

/** Returns a tool of an MCP server that asks the user to fill in a form. */
function formOf(server: string, message: string): Tool {
  return {
    name: "form",
    description: "Ask.",
    inputSchema: { type: "object" },
    origin: createOrigin(server),
    validate: async (input) => ({ valid: true, input }),
    execute: async () => ({
      type: "wait",
      kind: "elicitation",
      question: { mode: "form", message, schema: { type: "object", title: message } },
      continuation: {},
    }),
  }
}

/** Leaves one call of the tool in the store with an open wait. */
async function leaveOpen(called: Tool, input: JsonObject): Promise<void> {
  const provider = scriptedProvider(() => [{ type: "toolCall", name: called.name, input }])
  const gateway = createAgent("Hi.", {
    store: onStore.store,
    logger: silentLogger,
    provider,
    tools: [called],
  })
  const opened = Promise.withResolvers<void>()
  const onOpened = () => {
    opened.resolve()
    return new Promise<never>(() => {})
  }
  gateway.run("Go.", { onApproval: onOpened, onElicitation: onOpened }).catch(() => undefined)
  await opened.promise
  await gateway.close({ graceMs: 0 })
}

describe("what approvals list prints", () => {
  it("cannot act on the terminal, and hides no part of a text", async () => {
    await leaveOpen(shellWith(hostile), { [hostile]: hostile })
    await leaveOpen(formOf(hostile, hostile), {})
    const { stdout } = await cli("list")
    expect(stdout).not.toMatch(terminalControls)
    expect(stdout).toContain("rm -rf /home")
    expect(stdout).toContain("\\u001b[2Kls\\u009b1F")
    expect(stdout).toContain("\\u202eexe.txt\\u2069")
    // One wait has six lines and the other has eight. The hostile text must not add a line.
    expect(stdout.trimEnd().split("\n")).toHaveLength(14)
  })

  it("keeps the value of JSON without acting on the terminal", async () => {
    await leaveOpen(shellWith(hostile), { [hostile]: hostile })
    const { stdout } = await cli("list", "--json")
    expect(stdout).not.toMatch(terminalControls)
    expect(JSON.parse(stdout)).toMatchObject({
      items: [{ payload: { qualifier: hostile, input: { [hostile]: hostile } } }],
    })
  })

  it("shows the end of long arguments", async () => {
    await leaveOpen(shellWith(), { command: `ls ${" ".repeat(5_000)}; rm -rf /home` })
    expect((await cli("list")).stdout).toContain("; rm -rf /home")
  })
})

/** Returns a gateway on the store whose model calls a payment tool, and the list of payments. */
function bank() {
  const paid: unknown[] = []
  const pay = tool({
    name: "pay",
    description: "Pay.",
    inputSchema: { type: "object", properties: { amount: { type: "number" } }, required: ["amount"] },
    needsApproval: true,
    execute: (input) => paid.push(input),
  })
  const provider = scriptedProvider((request) =>
    request.messages.at(-1)?.role === "tool"
      ? [{ type: "text", text: "Done" }]
      : [{ type: "toolCall", name: "pay", input: { amount: 9 } }],
  )
  return {
    paid,
    provider,
    gateway: createAgent("Hi.", { store: onStore.store, logger: silentLogger, provider, tools: [pay] }),
  }
}

/** Leaves one pending approval in the store and closes the gateway. */
async function openApproval(): Promise<string> {
  const { gateway } = bank()
  const opened = Promise.withResolvers<string>()
  const running = gateway.run("Pay.", {
    onApproval: ({ toolCallId }) => {
      opened.resolve(toolCallId)
      return new Promise(() => {})
    },
  })
  running.catch(() => undefined)
  const toolCallId = await opened.promise
  await gateway.close({ graceMs: 0 })
  return toolCallId
}

async function finish() {
  const { gateway, paid, provider } = bank()
  await gateway.prepare()
  await expect.poll(() => provider.requests.length).toBe(1)
  await gateway.close()
  return { paid, told: JSON.stringify(provider.requests[0]?.messages.at(-1)) }
}

describe("approvals, on a store that no server runs on", () => {
  it("lists what is open, for people and for programs", async () => {
    const { gateway } = bank()
    await gateway.prepare()
    await gateway.close()
    expect(await cli("list")).toEqual({ code: 0, stdout: "No approval is open.\n", stderr: "" })
    const id = await openApproval()
    const { stdout } = await cli("list")
    expect(stdout).toContain(`${id}  pay`)
    expect(stdout).toContain('input    {"amount":9}')
    const { items } = JSON.parse((await cli("list", "--json")).stdout)
    expect(items).toMatchObject([{ toolCallId: id, toolName: "pay", kind: "approval" }])
  })

  it("reports that there is no such store instead of an empty list, and creates none", async () => {
    const elsewhere = join(onStore.store, "elsewhere")
    const { code, stdout, stderr } = await cli("list", "--store", elsewhere)
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" })
    expect(stderr).toContain(`No gateway has its data in ${elsewhere}: give its data directory`)
    expect(existsSync(elsewhere)).toBe(false)
  })

  it("approves a call, which the next server runs once", async () => {
    const id = await openApproval()
    expect(await cli("approve", id)).toMatchObject({ code: 0, stdout: `approved pay (${id})\n` })
    expect((await finish()).paid).toEqual([{ amount: 9 }])
  })

  it("approves a call with other arguments if they are valid", async () => {
    const id = await openApproval()
    const misfit = await cli("approve", id, "--edited-input", '{"amount":"much"}')
    expect(misfit).toMatchObject({ code: 1, stderr: expect.stringContaining("amount") })
    expect(await cli("approve", id, "--edited-input", "[1]")).toMatchObject({ code: 2 })
    await cli("approve", id, "--edited-input", '{"amount":1}')
    expect((await finish()).paid).toEqual([{ amount: 1 }])
  })

  it("approves a call again after its tool changed, only with the nonce that the list shows", async () => {
    const ran: string[] = []
    const gatewayWith = (server: string) => {
      const deploy: Tool = {
        name: "deploy",
        description: "Deploy.",
        inputSchema: { type: "object" },
        origin: createOrigin(server),
        needsApproval: true,
        validate: async (input) => ({ valid: true, input }),
        async execute() {
          ran.push(server)
          return { type: "json", value: null }
        },
      }
      const provider = scriptedProvider((request) =>
        request.messages.at(-1)?.role === "tool"
          ? [{ type: "text", text: "Done" }]
          : [{ type: "toolCall", name: "deploy" }],
      )
      return createAgent("Hi.", { store: onStore.store, logger: silentLogger, provider, tools: [deploy] })
    }
    const first = gatewayWith("a")
    const seen = Promise.withResolvers<{ readonly toolCallId: string; readonly nonce: string }>()
    const running = first.run("Deploy.", {
      onApproval: (wait) => {
        seen.resolve(wait)
        return new Promise(() => {})
      },
    })
    running.catch(() => undefined)
    const { toolCallId: id, nonce } = await seen.promise
    await first.close({ graceMs: 0 })
    expect(await cli("approve", id, "--nonce", nonce)).toMatchObject({ code: 0 })
    const second = gatewayWith("b")
    await second.prepare()
    await expect
      .poll(async () => (await second.waits.list()).map(({ origin }) => origin?.server))
      .toEqual(["b"])
    for (const options of [[], ["--nonce", nonce]]) {
      const refused = await cli("approve", id, ...options)
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("approvals list") })
    }
    expect(ran).toEqual([])
    const { stdout } = await cli("list")
    expect(stdout).toContain("server   b")
    const [, shown = ""] = /nonce +(\S+)/.exec(stdout) ?? []
    expect(await cli("approve", id, "--nonce", shown)).toMatchObject({ code: 0 })
    await expect.poll(() => ran).toEqual(["b"])
    await second.close()
  })

  it("denies with a reason that the model is told", async () => {
    const id = await openApproval()
    await cli("deny", id, "--reason", "not today", "--user", "ops")
    const { paid, told } = await finish()
    expect(paid).toEqual([])
    expect(told).toContain("not today")
  })

  it("answers no wait twice", async () => {
    const id = await openApproval()
    await cli("approve", id)
    expect(await cli("deny", id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`no open approval ${id}`),
    })
  })
})

describe("an elicitation, on a store that no server runs on", () => {
  /** Returns a gateway on the store whose tool asks a question, and the answers that the tool received. */
  function hotel(question: Question) {
    const told: unknown[] = []
    const book: Tool = {
      name: "book",
      description: "Book a room.",
      inputSchema: { type: "object" },
      origin: createOrigin("hotel"),
      validate: async (input) => ({ valid: true, input }),
      async execute(_, { answered }) {
        if (answered === null) return { type: "wait", kind: "elicitation", question, continuation: {} }
        told.push({ ...answered })
        return { type: "json", value: null }
      },
    }
    const provider = scriptedProvider((request) =>
      request.messages.at(-1)?.role === "tool"
        ? [{ type: "text", text: "Done" }]
        : [{ type: "toolCall", name: "book", input: { nights: 2 } }],
    )
    return {
      told,
      provider,
      gateway: createAgent("Hi.", { store: onStore.store, logger: silentLogger, provider, tools: [book] }),
    }
  }

  const form: Question = {
    mode: "form",
    message: "Who comes?",
    schema: { type: "object", properties: { name: { type: "string" } }, required: ["name"] },
  }
  const page: Question = { mode: "url", message: "Pay.", url: "https://pay.example/7", elicitationId: null }

  async function asked(question: Question): Promise<string> {
    const { gateway } = hotel(question)
    const opened = Promise.withResolvers<string>()
    gateway
      .run("Book.", {
        onElicitation: ({ toolCallId }) => {
          opened.resolve(toolCallId)
          return new Promise(() => {})
        },
      })
      .catch(() => undefined)
    const toolCallId = await opened.promise
    await gateway.close({ graceMs: 0 })
    return toolCallId
  }

  async function toldAtTheNextStart(question: Question) {
    const { gateway, told, provider } = hotel(question)
    await gateway.prepare()
    await expect.poll(() => provider.requests.length).toBe(1)
    await gateway.close()
    return told
  }

  it("is listed with its kind and its question, and answered", async () => {
    const id = await asked(form)
    const { stdout } = await cli("list")
    for (const part of [`${id}  book`, "elicitation", "Who comes?", '"name"', "hotel"]) {
      expect(stdout).toContain(part)
    }
    expect(await cli("approve", id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("no open approval"),
    })
    expect(await cli("answer", id)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("must have content"),
    })
    expect(await cli("answer", id, "--content", '{"name":7}')).toMatchObject({ code: 1 })
    expect(await cli("answer", id, "--content", '{"name":"Ada"}')).toEqual({
      code: 0,
      stdout: `answered book (${id})\n`,
      stderr: "",
    })
    expect(await toldAtTheNextStart(form)).toEqual([
      { kind: "elicitation", continuation: {}, action: "accept", content: { name: "Ada" } },
    ])
  })

  it("is declined, or accepted after its page was opened", async () => {
    const declined = await asked(form)
    expect(await cli("answer", declined, "--decline")).toMatchObject({
      stdout: `declined book (${declined})\n`,
    })
    expect(await toldAtTheNextStart(form)).toMatchObject([{ action: "decline", content: null }])
    const opened = await asked(page)
    expect((await cli("list")).stdout).toContain("page     https://pay.example/7")
    expect(await cli("answer", opened)).toMatchObject({ code: 0 })
    expect(await toldAtTheNextStart(page)).toMatchObject([{ action: "accept", content: null }])
  })
})

describe("a wrong call is one line and exit code 2:", () => {
  it.each([
    [[], "an action is missing"],
    [["allow"], "unknown action allow"],
    [["approve"], "TOOL_CALL_ID is missing"],
    [["list", "call_1"], "unexpected argument call_1"],
    [["list", "--all"], "Unknown option '--all'"],
    [["list", "--user", "ops"], "list takes no --user"],
    [["approve", "call_1", "--decline"], "approve takes no --decline"],
    [["approve", "call_1", "--reason", "no", "--content", "{}"], "approve takes no --reason, --content"],
    [["deny", "call_1", "--edited-input", "{}"], "deny takes no --edited-input"],
    [["deny", "call_1", "--allow-tool-type"], "deny takes no --allow-tool-type"],
    [["approve", "call_1", "--scope", "all"], '--scope: Invalid option: expected one of "session"'],
    [["answer", "call_1", "--reason", "no"], "answer takes no --reason"],
  ])("%j", async (argv, problem) => {
    const { code, stderr } = await cli(...argv)
    expect(code).toBe(2)
    expect(stderr).toContain(problem)
    expect(stderr.trimEnd()).not.toContain("\n")
  })
})
