import { describe, expect, it, vi } from "vitest"
import { StoreUnavailableError } from "../../core/errors.ts"
import type { JsonObject } from "../../core/json/json.ts"
import type { Grant } from "../../core/ports/store/approvals.ts"
import type { GatedCall } from "../../core/ports/tools/gate.ts"
import type { ApprovalPolicy, Interceptor } from "../../core/ports/tools/interceptor.ts"
import type { Tool } from "../../core/ports/tools/tool.ts"
import { createOrigin } from "../../testing/session-log/waits/tool-origin.ts"
import { createGate, type GateOptions } from "./gate.ts"

const pending = new Promise<never>(() => {})
const always: ApprovalPolicy = () => true
const never: ApprovalPolicy = () => false
const logger = { debug() {}, info() {}, warn() {}, error: vi.fn() }

function gate(options: Partial<GateOptions>) {
  return createGate({
    interceptors: [],
    needsApproval: never,
    approvalsBy: "client",
    grants: async () => [],
    callbackTimeoutMs: 50,
    logger,
    ...options,
  })
}

function call(options: Partial<GatedCall> = {}, tool: Partial<Tool> = {}): GatedCall {
  return {
    tool: {
      name: "shell",
      description: "",
      inputSchema: {},
      validate: async (input) => ({ valid: true, input }),
      execute: async () => ({ type: "json", value: null }),
      ...tool,
    },
    toolCallId: "call_1",
    input: { command: "rm" },
    validated: options.input ?? { command: "rm" },
    session: { id: "sess_1", tenant: "t", userId: "u" },
    runId: "run_1",
    channel: "web",
    context: { page: 1 },
    approved: false,
    signal: new AbortController().signal,
    ...options,
  }
}

const saying = (action: "allow" | "warn" | "ask" | "deny", message?: string): Interceptor => {
  return () => ({ action, ...(message === undefined ? {} : { message }) })
}
const granted = (qualifier: string | null): Grant => ({
  sessionId: "sess_1",
  toolName: "shell",
  qualifier,
  origin: null,
  grantedBy: { via: "http", tenant: "t", userId: "u", address: null },
  at: 0,
})

describe("the gate", () => {
  it("passes the validated input to the tool's own policy and qualifier, and the model's input to others", async () => {
    const seen: unknown[] = []
    const see = <Result>(input: unknown, result: Result): Result => {
      seen.push(input)
      return result
    }
    const validated = { command: ["rm"] }
    await gate({ interceptors: [({ input }) => see(input, { action: "allow" })] }).decide(
      call(
        { validated },
        {
          qualifier: (input) => see(input, "rm"),
          needsApproval: ({ input }) => see(input, false),
        },
      ),
    )
    expect(seen).toEqual([validated, { command: "rm" }, validated])
  })

  it("allows a call that no policy or interceptor stops", async () => {
    expect(await gate({}).decide(call())).toMatchObject({ action: "execute", decisions: [] })
  })

  it("calls the interceptors in order with the call, and stops at a denial", async () => {
    const seen = vi.fn(saying("warn", "Careful."))
    const last = vi.fn(saying("allow"))
    const verdict = await gate({ interceptors: [seen, saying("deny", "No."), last] }).decide(call())
    expect(verdict).toMatchObject({ action: "deny", reason: "No." })
    expect(verdict.decisions.map(({ action }) => action)).toEqual(["warn", "deny"])
    expect(seen).toHaveBeenCalledWith(
      expect.objectContaining({
        toolName: "shell",
        input: { command: "rm" },
        channel: "web",
        context: { page: 1 },
      }),
    )
    expect(last).not.toHaveBeenCalled()
  })

  it("requires an approval when an interceptor asks for it, with its reason", async () => {
    const verdict = await gate({ interceptors: [saying("ask", "Deletes files."), saying("allow")] }).decide(
      call(),
    )
    expect(verdict).toMatchObject({ action: "ask", reason: "Deletes files." })
  })

  it.each([
    ["the tool says so", { needsApproval: true }, never, "ask"],
    ["the tool says so for this input", { needsApproval: () => true }, never, "ask"],
    ["the app says so", {}, always, "ask"],
    ["the app says so, but the tool says no", { needsApproval: false }, always, "execute"],
  ])("requires an approval when %s", async (_, tool, needsApproval, action) => {
    expect(await gate({ needsApproval }).decide(call({}, tool))).toMatchObject({ action })
  })

  it("does not require an approval for a granted tool type, and requires one for another type", async () => {
    const options = { needsApproval: always, grants: async () => [granted("rm")] }
    const qualifier = (input: { readonly [key: string]: unknown }) => String(input.command)
    expect(await gate(options).decide(call({}, { qualifier }))).toMatchObject({
      action: "execute",
      qualifier: "rm",
    })
    const other = call({ input: { command: "dd" } }, { qualifier })
    expect(await gate(options).decide(other)).toMatchObject({ action: "ask", qualifier: "dd" })
  })

  it("does not take a grant for one qualifier as a grant for all", async () => {
    const options = { needsApproval: always, grants: async () => [granted("rm")] }
    expect(await gate(options).decide(call())).toMatchObject({ action: "ask", qualifier: null })
  })

  it("accepts a grant of a client only where clients decide", async () => {
    const byOperator: Grant["grantedBy"] = {
      ...granted("rm").grantedBy,
      credential: "operator",
      operator: "support",
    }
    const qualifier = () => "rm"
    for (const [grantedBy, approver, own, action] of [
      [granted("rm").grantedBy, "client", undefined, "execute"],
      [granted("rm").grantedBy, "operator", undefined, "ask"],
      [granted("rm").grantedBy, "client", "operator", "ask"],
      [byOperator, "operator", undefined, "execute"],
      [{ ...byOperator, operator: undefined, via: "cli" }, "operator", undefined, "execute"],
    ] as const) {
      const grants = async () => [{ ...granted("rm"), grantedBy: grantedBy as Grant["grantedBy"] }]
      const options = { needsApproval: always, approvalsBy: approver, grants }
      const tool = { qualifier, ...(own !== undefined && { approvalsBy: own }) }
      expect(await gate(options).decide(call({}, tool))).toMatchObject({ action })
    }
  })

  it.each([
    ["a server's tool", createOrigin("a"), createOrigin("a"), "execute"],
    ["a local tool, for a server's", null, createOrigin("a"), "ask"],
    ["a server's tool, for a local one", createOrigin("a"), null, "ask"],
    ["a server's tool, for another server's", createOrigin("a"), createOrigin("b"), "ask"],
    ["a server that was reached elsewhere", createOrigin("a", { identity: "old" }), createOrigin("a"), "ask"],
    ["a tool before its server changed it", createOrigin("a", { digest: "old" }), createOrigin("a"), "ask"],
    ["another tool of the server", createOrigin("a", { tool: "status" }), createOrigin("a"), "ask"],
  ])("accepts a grant for %s", async (_what, allowed, called, action) => {
    const options = { needsApproval: always, grants: async () => [{ ...granted(null), origin: allowed }] }
    const tool = called === null ? {} : { origin: called }
    expect(await gate(options).decide(call({}, tool))).toMatchObject({ action })
  })

  it("passes the tool's origin to policies and interceptors, even if the policy depends on the input", async () => {
    const [needsApproval, seen] = [vi.fn(never), vi.fn(saying("allow"))]
    const origin = (input: JsonObject) => createOrigin(String(input.command))
    await gate({ needsApproval, interceptors: [seen] }).decide(call({}, { origin }))
    expect(needsApproval).toHaveBeenCalledWith(
      expect.objectContaining({
        toolName: "shell",
        input: { command: "rm" },
        qualifier: null,
        origin: createOrigin("rm"),
      }),
    )
    expect(seen).toHaveBeenCalledWith(
      expect.objectContaining({ toolName: "shell", origin: createOrigin("rm") }),
    )
  })

  it.each([
    ["the name that it has", "b__shell", "ask"],
    ["the name that it would have alone", "shell", "ask"],
    ["another name", "other", "execute"],
  ])("asks the policy about a tool that was renamed for another one, by %s", async (_what, name, action) => {
    const needsApproval: ApprovalPolicy = ({ toolName }) => toolName === name
    const tool = { name: "b__shell", plainName: "shell" }
    expect(await gate({ needsApproval }).decide(call({}, tool))).toMatchObject({ action })
  })

  it("lets only a denial count after a person has allowed the call", async () => {
    const options = { interceptors: [saying("ask")], needsApproval: always }
    expect(await gate(options).decide(call({ approved: true }))).toMatchObject({ action: "execute" })
    const denying = { interceptors: [saying("deny", "No.")] }
    expect(await gate(denying).decide(call({ approved: true }))).toMatchObject({ action: "deny" })
  })

  it.each([
    ["an interceptor", { interceptors: [() => Promise.reject(new Error("secret"))] }, {}],
    ["the app's policy", { needsApproval: () => Promise.reject(new Error("secret")) }, {}],
    ["the tool's policy", {}, { needsApproval: () => Promise.reject(new Error("secret")) }],
    ["reading the grants", { needsApproval: always, grants: () => Promise.reject(new Error("secret")) }, {}],
  ])("denies when %s fails, and logs the reason without showing it", async (_, options, tool) => {
    logger.error.mockClear()
    const verdict = await gate(options).decide(call({}, tool))
    expect(verdict).toMatchObject({ action: "deny", code: "policy_failed" })
    expect(JSON.stringify(verdict)).not.toContain("secret")
    expect(logger.error).toHaveBeenCalledOnce()
  })

  const hanging: readonly [string, Partial<GateOptions>, Partial<Tool>][] = [
    ["an interceptor", { interceptors: [() => pending] }, {}],
    ["the app's policy", { needsApproval: () => pending }, {}],
    ["the tool's policy", {}, { needsApproval: () => pending }],
  ]

  it.each(hanging)("denies when %s does not return in time", async (_, options, tool) => {
    logger.error.mockClear()
    const verdict = await gate(options).decide(call({}, tool))
    expect(verdict).toMatchObject({ action: "deny", code: "policy_failed" })
    const [[fields]] = logger.error.mock.calls as [[{ error: Error }]]
    expect(fields.error.message).toContain("did not return within 50 ms (callbackTimeoutMs)")
  })

  it.each(hanging)("stops waiting for %s as soon as the run is to stop", async (_, options, tool) => {
    logger.error.mockClear()
    const stop = new AbortController()
    const verdict = gate({ ...options, callbackTimeoutMs: 60_000 }).decide(
      call({ signal: stop.signal }, tool),
    )
    stop.abort(new Error("canceled"))
    await expect(verdict).rejects.toThrow("canceled")
    expect(logger.error).not.toHaveBeenCalled()
  })

  it("aborts the signals of an interceptor and a policy when the run stops", async () => {
    const signals: AbortSignal[] = []
    const hang = (signal: AbortSignal) => {
      signals.push(signal)
      return pending
    }
    await gate({ interceptors: [({ signal }) => hang(signal)] }).decide(call())
    await gate({ needsApproval: ({ signal }) => hang(signal) }).decide(call())
    await gate({}).decide(call({}, { needsApproval: ({ signal }) => hang(signal) }))
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true])
  })

  it.each([
    ["an action that there is not", () => ({ action: "block" })],
    ["no action", () => ({})],
    ["nothing", () => undefined],
  ])("denies when an interceptor returns %s", async (_, interceptor) => {
    logger.error.mockClear()
    const interceptors = [interceptor as unknown as Interceptor]
    const verdict = await gate({ interceptors }).decide(call())
    expect(verdict).toMatchObject({ action: "deny", code: "policy_failed" })
    expect(verdict.decisions).toMatchObject([{ action: "deny", code: "policy_failed" }])
    expect(logger.error).toHaveBeenCalledOnce()
  })

  it.each([
    [
      "the grants are read",
      { needsApproval: always, grants: () => Promise.reject(new StoreUnavailableError()) },
    ],
    ["an interceptor reads from it", { interceptors: [() => Promise.reject(new StoreUnavailableError())] }],
  ])("decides nothing while the store is unavailable when %s", async (_, options) => {
    logger.error.mockClear()
    await expect(gate(options).decide(call())).rejects.toBeInstanceOf(StoreUnavailableError)
    expect(logger.error).not.toHaveBeenCalled()
  })
})
