// This file runs in every environment. It is plain JavaScript that uses only `fetch` and the client's own
// requirements.

/**
 * Runs every scenario. Resolves to the failures by scenario name, with null for each scenario that passed. `control`
 * is the address of the harness, which is in front of the gateway. `onStart` receives the name of each scenario, so
 * that a run that hangs tells where.
 */
export async function runScenarios(
  { connect, createConversation, viewOfHistory },
  { control, longText, onStart = () => {} },
) {
  const url = `${control}/api`
  const open = (options = {}) => connect({ url, apiKey: "suite-key", retryDelayMs: 50, ...options })
  const tell = async (path) => {
    const response = await fetch(`${control}/control/${path}`, { method: "POST" })
    if (!response.ok) throw new Error(await response.text())
  }

  const scenarios = {
    async "streams a run"() {
      const chat = open()
      const types = []
      // A stream of any length may have heartbeats.
      for await (const event of chat.send("Hello")) if (event.type !== "heartbeat") types.push(event.type)
      equal(types, ["text_delta", "turn_complete", "stream_complete"])
      equal(typeof chat.sessionId, "string")
    },

    async "loses and repeats nothing on a network that cuts every stream"() {
      await tell("cut?bytes=700")
      const chat = open()
      const result = await chat.send("long").result()
      await tell("cut?bytes=0")
      equal(result, { ...result, outcome: "completed", text: longText })
    },

    async "continues when the gateway is killed in the middle of an answer"() {
      const chat = open()
      let killing = null
      const cursors = []
      const result = await chat.send("long").result((event) => {
        if (event.cursor !== undefined) cursors.push(event.cursor)
        if (cursors.length === 20) killing ??= tell("kill")
      })
      await killing
      equal(killing !== null, true)
      equal(result, { ...result, outcome: "completed", text: longText })
      equal(
        cursors,
        [...new Set(cursors)].sort((left, right) => left - right),
      )
      const view = viewOfHistory(await chat.history())
      equal(view.messages.at(-1).parts, [{ type: "text", text: longText }])
    },

    async "keeps a conversation over a kill"() {
      const conversation = createConversation({ url, apiKey: "suite-key", retryDelayMs: 50 })
      const stop = conversation.start()
      conversation.send("long")
      const shown = () => conversation.getState().messages.at(-1)?.parts.at(-1)?.text ?? ""
      await until(conversation, () => shown().includes("wörd10 "))
      await tell("kill")
      await until(conversation, ({ status }) => status === "ready")
      equal(shown(), longText)
      equal(conversation.getState().messages.length, 2)
      stop()
    },

    async "allows and denies calls"() {
      const chat = open()
      const results = []
      const approvals = [
        { approved: true, input: { folder: "b" } },
        { approved: false, reason: "No." },
      ]
      for (const approval of approvals) {
        for await (const event of chat.send('call|erase|{"folder":"a"}')) {
          if (event.type === "tool_approval_request") await chat.approve(event, approval)
          if (event.type === "tool_call_complete") results.push(event.result ?? event.error.code)
        }
      }
      equal(results, ["b is empty", "denied"])
    },

    async "answers a question"() {
      const chat = open()
      for await (const event of chat.send("call|book")) {
        if (event.type === "elicitation_request") await chat.answer(event, { name: "Ada" })
        if (event.type === "elicitation_resolved") equal(event.action, "accept")
      }
    },

    async "executes client tools, also after a reload"() {
      const chat = open()
      for await (const event of chat.send("call|pick_color")) if (event.nonce !== undefined) break
      const reloaded = open({ sessionId: chat.sessionId })
      const { last_seq: after, pending_tool_calls: pending } = await reloaded.history()
      equal(pending.length, 1)
      reloaded.tools({ pick_color: async () => ({ color: "blue" }) })
      const results = []
      for await (const event of reloaded.subscribe({ after })) {
        if (event.type === "tool_call_complete") results.push(event.result)
      }
      equal(results, [{ color: "blue" }])
    },

    async "submits a result that says why a call failed"() {
      const chat = open()
      for await (const event of chat.send("call|pick_color")) {
        if (event.nonce !== undefined) {
          await chat.submit(event, { result: "No color left.", is_error: true, warning: "Ask again." })
        }
        if (event.type !== "tool_call_complete") continue
        const { result, error, is_error, warning } = event
        const expected = { result: "No color left.", error: null, is_error: true, warning: "Ask again." }
        equal({ result, error, is_error, warning }, expected)
      }
    },

    async "cancels a run"() {
      const chat = open()
      let canceled = null
      const result = await chat.send("long").result(({ type }) => {
        if (type === "text_delta") canceled ??= chat.cancel()
      })
      equal(result, { ...result, outcome: "interrupted", reason: "cancelled" })
      equal(await canceled, result.runId)
      equal(await chat.cancel(), null)
    },

    async "throws typed errors"() {
      const errors = []
      const refused = open({ apiKey: "wrong-key" })
      await refused
        .send("Hello")
        .result()
        .catch(({ name, code, status }) => errors.push({ name, code, status }))
      equal(errors, [{ name: "ChatError", code: "invalid_api_key", status: 401 }])
    },

    async "reports a gateway that is not there"() {
      const chat = open({ url: "http://127.0.0.1:9/api", retryDelayMs: 1 })
      const code = await chat.history().catch((error) => error.code)
      equal(code, "unreachable")
    },

    async "stops by a signal"() {
      const controller = new AbortController()
      const reason = new Error("left")
      const chat = open()
      const thrown = await chat
        .send("long", { signal: controller.signal })
        .result(() => controller.abort(reason))
        .catch((error) => error)
      equal(thrown === reason, true)
    },
  }

  const outcomes = {}
  for (const [name, run] of Object.entries(scenarios)) {
    onStart(name)
    outcomes[name] = await run().then(
      () => null,
      (error) => String(error?.stack ?? error),
    )
  }
  return outcomes
}

function equal(actual, expected) {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (left !== right) throw new Error(`expected ${right}, but got ${left}`)
}

function until(conversation, isReached) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(JSON.stringify(conversation.getState()))), 120_000)
    const check = () => {
      if (!isReached(conversation.getState())) return
      clearTimeout(timer)
      end()
      resolve()
    }
    const end = conversation.subscribe(check)
    check()
  })
}
