import { describe, expect, it, vi } from "vitest"
import { openMemoryStore } from "../../adapters/stores/sqlite/open.ts"
import type { Message } from "../../core/history/messages.ts"
import type { SessionLog } from "../../core/ports/store/session-log.ts"
import { systemClock } from "../../core/time/clock.ts"
import { scriptedProvider } from "../../testing/provider/scripted-provider.ts"
import { createAnyTool } from "../agent/fixtures/memory-run.ts"
import {
  alice,
  call,
  createStartRequest,
  forever,
  joinDeltas,
  patience,
  prepareTestNodes,
  putAccepted,
  say,
  selectEvents,
  silentLogger,
  startTestNode,
  watchRun,
} from "./fixtures/test-gateway.ts"

const start = prepareTestNodes()

describe("a session with a chosen id", () => {
  it("is that of its owner, and of no one who knows the id", async () => {
    const node = await start(scriptedProvider([]))
    const id = "sess_chosen"
    const { createdAt } = await node.sessions.create(alice, undefined, { id })
    expect(await node.sessions.create(alice, undefined, { id })).toMatchObject({ ...alice, id, createdAt })
    const other = { ...alice, userId: "eve" }
    const refused = { code: "session_not_found", status: 404 }
    await expect(node.sessions.create(other, undefined, { id })).rejects.toMatchObject(refused)
  })
})

describe("a conversation", () => {
  it("is streamed to its viewer in order, to the one terminal event", async () => {
    const node = await start(scriptedProvider([[say("Hel"), say("lo")]]))
    const { id } = await node.sessions.create(alice)
    const entries = await watchRun(node.sessions, id, await putAccepted(node, id, "Hi"))
    expect(joinDeltas(entries)).toBe("Hello")
    expect(selectEvents(entries).at(-1)).toMatchObject({ type: "runCompleted" })
    const seqs = entries.map(({ seq }) => seq)
    expect(seqs).toEqual([...new Set(seqs)].sort((left, right) => left - right))
  })

  it("includes the earlier messages", async () => {
    const provider = scriptedProvider([[say("One")], [say("Two")]])
    const node = await start(provider)
    const { id } = await node.sessions.create(alice)
    await watchRun(node.sessions, id, await putAccepted(node, id, "First"))
    await watchRun(node.sessions, id, await putAccepted(node, id, "Second"))
    const texts = provider.requests[1]?.messages.map((said) => "content" in said && said.content[0])
    expect(texts).toMatchObject([{ text: "First" }, { text: "One" }, { text: "Second" }])
  })

  it("refuses a second message while a run is open", async () => {
    const node = await start(scriptedProvider([[forever]]))
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Hi")
    await expect(node.sessions.start(createStartRequest(id, "Again"))).resolves.toEqual({
      status: "busy",
      runId,
    })
  })

  it("takes the next message as soon as the run has ended, without waiting for a sweep", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    const claimRunnable = vi.fn(async () => [])
    const node = await startTestNode(
      scriptedProvider(() => [say("Hi")]),
      { store: { ...shared, log: { ...shared.log, claimRunnable } } },
    )
    const { id } = await node.sessions.create(alice)
    for (let turn = 0; turn < 20; turn++) await watchRun(node.sessions, id, await putAccepted(node, id, "Hi"))
    expect(claimRunnable).toHaveBeenCalled()
    await node.stop()
    await shared.close()
  })

  it("keeps the server's own history when the client's is equal", async () => {
    const provider = scriptedProvider([
      [{ type: "thinking", text: "Hm" }, say("One "), call("t")],
      [say("more")],
      [say("Two")],
    ])
    const node = await start(provider, { tools: [createAnyTool("t", () => ({ type: "json", value: 1 }))] })
    const { id } = await node.sessions.create(alice)
    await watchRun(node.sessions, id, await putAccepted(node, id, "First"))
    const messages: Message[] = [
      { role: "user", content: [{ type: "text", text: "First" }] },
      { role: "assistant", content: [{ type: "text", text: "One more" }] },
      { role: "user", content: [{ type: "text", text: "Second" }] },
    ]
    const outcome = await node.sessions.start(
      createStartRequest(id, "", { input: { type: "conversation", messages } }),
    )
    if (outcome.status !== "accepted") throw new Error(outcome.status)
    const entries = await watchRun(node.sessions, id, { runId: outcome.runId, afterSeq: outcome.cursor })
    expect(selectEvents(entries).some(({ type }) => type === "historyReplaced")).toBe(false)
    expect(provider.requests[2]?.messages.map(({ role }) => role)).toEqual([
      "user",
      "assistant",
      "tool",
      "assistant",
      "user",
    ])
  })

  it("uses the client's history where it differs, and logs that", async () => {
    const provider = scriptedProvider([[say("One")], [say("Two")]])
    const node = await start(provider)
    const { id } = await node.sessions.create(alice)
    await watchRun(node.sessions, id, await putAccepted(node, id, "First"))
    const messages: Message[] = [
      { role: "user", content: [{ type: "text", text: "Edited" }] },
      { role: "assistant", content: [{ type: "text", text: "One" }] },
      { role: "user", content: [{ type: "text", text: "Second" }] },
    ]
    const outcome = await node.sessions.start(
      createStartRequest(id, "", { input: { type: "conversation", messages } }),
    )
    if (outcome.status !== "accepted") throw new Error(outcome.status)
    const entries = await watchRun(node.sessions, id, { runId: outcome.runId, afterSeq: outcome.cursor })
    expect(selectEvents(entries)[0]).toMatchObject({ type: "historyReplaced" })
    expect(provider.requests[1]?.messages).toEqual(messages)
  })

  it("lets the model respond to results of tools at the end of a client's conversation", async () => {
    const provider = scriptedProvider([[say("Rome it is.")], [say("Yes.")]])
    const node = await start(provider)
    const { id } = await node.sessions.create(alice)
    const toolCall = { type: "toolCall", toolCallId: "call_1", name: "locate", input: {} } as const
    const messages: Message[] = [
      { role: "user", content: [{ type: "text", text: "Where am I?" }] },
      { role: "assistant", content: [toolCall] },
      { role: "tool", results: [{ toolCallId: "call_1", result: { type: "json", value: "Rome" } }] },
    ]
    const outcome = await node.sessions.start(
      createStartRequest(id, "", { input: { type: "conversation", messages } }),
    )
    if (outcome.status !== "accepted") throw new Error(outcome.status)
    await watchRun(node.sessions, id, { runId: outcome.runId, afterSeq: outcome.cursor })
    expect(provider.requests[0]?.messages).toEqual(messages)
    await watchRun(node.sessions, id, await putAccepted(node, id, "Sure?"))
    expect(provider.requests[1]?.messages.map(({ role }) => role)).toEqual([
      ...["user", "assistant", "tool", "assistant", "user"],
    ])
  })
})

describe("viewers", () => {
  it("receive a run from any cursor, every entry once and in order, live and afterwards", async () => {
    const gate = Promise.withResolvers<void>()
    const words = Array.from({ length: 300 }, (_, index) => say(`${index} `))
    const provider = scriptedProvider([
      [...words.slice(0, 150), { type: "wait", until: gate.promise }, ...words.slice(150)],
    ])
    const node = await start(provider)
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Count")
    const first = watchRun(node.sessions, id, run)
    const stored = () => node.log.read(id, { afterSeq: 0, limit: 500 })
    await vi.waitFor(async () => expect((await stored()).length).toBeGreaterThan(150), patience)
    const late = watchRun(node.sessions, id, { afterSeq: run.afterSeq })
    gate.resolve()
    const all = await first
    expect(await late).toEqual(all)
    for (const from of [0, 1, 75, 149, 150, 299, all.length - 2]) {
      const entries = await watchRun(node.sessions, id, { afterSeq: all[from]?.seq ?? 0 })
      const shown = entries.filter(({ seq }) => seq > (all[from]?.seq ?? 0))
      expect(shown).toEqual(all.slice(from + 1))
    }
  })

  it("do not stop a run when they leave", async () => {
    const gate = Promise.withResolvers<void>()
    const node = await start(
      scriptedProvider([[say("Hel"), { type: "wait", until: gate.promise }, say("lo")]]),
    )
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Hi")
    const leaving = new AbortController()
    for await (const _ of node.sessions.view(id, { ...run, signal: leaving.signal })) leaving.abort()
    gate.resolve()
    const result = await node.sessions.result(id, run.runId, {})
    expect(result).toMatchObject({ response: "Hello", outcome: { disposition: "completed" } })
  })

  it("that fall behind read from the store and miss nothing", async () => {
    const words = Array.from({ length: 6_000 }, (_, index) => say(`${index} `))
    const node = await start(scriptedProvider([words]))
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Count")
    let text = ""
    let batches = 0
    for await (const batch of node.sessions.view(id, { ...run, signal: new AbortController().signal })) {
      text += joinDeltas(batch)
      if (++batches === 1) await node.sessions.result(id, run.runId, {})
    }
    expect(text).toBe(words.map((word) => word.text).join(""))
  })

  it("of an idle session receive the existing entries and then end", async () => {
    const node = await start(scriptedProvider([[say("Hi")]]))
    const { id } = await node.sessions.create(alice)
    await watchRun(node.sessions, id, await putAccepted(node, id, "Hi"))
    expect(selectEvents(await watchRun(node.sessions, id, { afterSeq: 0 })).at(-1)).toMatchObject({
      type: "runCompleted",
    })
  })
})

describe("cancelling", () => {
  it("ends the run as interrupted, and the session takes the next message", async () => {
    const provider = scriptedProvider([[say("Half"), forever], [say("Next")]])
    const node = await start(provider)
    const { id } = await node.sessions.create(alice)
    const run = await putAccepted(node, id, "Hi")
    const watching = watchRun(node.sessions, id, run)
    // If the run were canceled before its model call, it would leave its turn of the script to the next run.
    await vi.waitFor(() => expect(provider.requests).toHaveLength(1), patience)
    await expect(node.sessions.cancel(id, run.runId)).resolves.toMatchObject({
      status: "accepted",
      runId: run.runId,
    })
    expect(selectEvents(await watching).at(-1)).toMatchObject({
      disposition: "interrupted",
      reason: "cancelled",
    })
    const next = await node.sessions.result(id, (await putAccepted(node, id, "Go on")).runId, {})
    expect(next.response).toBe("Next")
  })

  it("finds nothing when no run or another run is open", async () => {
    const node = await start(scriptedProvider([[forever]]))
    const { id } = await node.sessions.create(alice)
    await expect(node.sessions.cancel(id, null)).resolves.toEqual({ status: "unknown" })
    await putAccepted(node, id, "Hi")
    await expect(node.sessions.cancel(id, "run_other")).resolves.toEqual({ status: "unknown" })
  })

  it("is noticed when it arrives while the inbox is read for the starting run", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    let cancelled: Promise<unknown> | null = null
    const log: SessionLog = {
      ...shared.log,
      // The claim returns no session and no inbox, so that the inbox must be read.
      async putAndClaim(...message) {
        const { outcome, lease } = await shared.log.putAndClaim(...message)
        return { outcome, lease }
      },
      // As over a network, the cancel is stored and announced before this older reply arrives.
      async pending(lease) {
        const commands = await shared.log.pending(lease)
        cancelled ??= node.sessions.cancel(lease.sessionId, null)
        await cancelled
        return commands
      },
    }
    // The loops of a started worker would find the command later, so the worker is not started.
    const options = { store: { ...shared, log }, start: false }
    const node = await startTestNode(scriptedProvider([[forever]]), options)
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Hi")
    const { outcome } = await node.sessions.result(id, runId, {})
    expect(outcome).toMatchObject({ reason: "cancelled" })
    await node.stop()
    await shared.close()
  })

  it("is noticed when it arrives while the session is claimed with its message", async () => {
    const shared = await openMemoryStore({ clock: systemClock, logger: silentLogger })
    let isFound = false
    const log: SessionLog = {
      ...shared.log,
      // As over a network, the cancel is stored and announced before the reply to the claim arrives.
      async putAndClaim(message, ...rest) {
        const claimed = await shared.log.putAndClaim(message, ...rest)
        isFound = claimed.found !== undefined
        await node.sessions.cancel(message.sessionId, null)
        return claimed
      },
    }
    // The loops of a started worker would find the command later, so the worker is not started.
    const options = { store: { ...shared, log }, start: false }
    const node = await startTestNode(scriptedProvider([[forever]]), options)
    const { id } = await node.sessions.create(alice)
    const { runId } = await putAccepted(node, id, "Hi")
    const { outcome } = await node.sessions.result(id, runId, {})
    expect(outcome).toMatchObject({ reason: "cancelled" })
    expect(isFound).toBe(true)
    await node.stop()
    await shared.close()
  })

  it("takes precedence over a completion that was not published yet, at any moment (rule 12)", async () => {
    const outcomes = new Set<string>()
    for (let round = 0; round < 40; round++) {
      const node = await start(scriptedProvider([[say("Hi")]]))
      const { id } = await node.sessions.create(alice)
      const run = await putAccepted(node, id, "Hi")
      for (let turn = 0; turn < round % 8; turn++) await new Promise((resolve) => setImmediate(resolve))
      const cancelled = await node.sessions.cancel(id, run.runId)
      const { outcome } = await node.sessions.result(id, run.runId, {})
      expect(outcome).toMatchObject({ reason: cancelled.status === "accepted" ? "cancelled" : null })
      outcomes.add(cancelled.status)
    }
    expect(outcomes).toContain("accepted")
  })
})
