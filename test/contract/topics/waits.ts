import { expect, test, vi } from "vitest"
import type { ContractUnderTest } from "../contract-under-test.ts"
import {
  cancel,
  chat,
  elicitation,
  file,
  history,
  listGrants,
  revokeGrant,
  subscribe,
  toolApproval,
  toolResult,
  waits,
} from "../operations.ts"

/** Registers tests of approvals, client tools and questions. */
export function testWaits({ call, send, check, newToken }: ContractUnderTest): void {
  test("approvals and client tool calls are as documented", async () => {
    const token = await newToken()
    const message = '/tool erase {"folder":"tmp"}\n/tool erase {"folder":"home"}\n/tool locate'
    const response = await send(chat, { token, body: { message } })
    const [first, second, place] = await pending(token, 3)
    const redrawn = (await call(history, { token })).bodies[0]
    const open = (await call(waits, { token })).bodies[0]
    expect(open).toMatchObject({
      waits: [{ kind: "approval" }, { kind: "approval" }, { kind: "client_tool" }],
    })
    const following = send(`${subscribe}?after_seq=${redrawn?.last_seq}`, { token })

    const wrong = { ...first, nonce: "nonce_other" }
    const approving = { ...first, approved: true, allow_tool_type: true }
    const locating = { ...place, result: { room: 7 } }
    for (const [operation, body, expected] of [
      [toolApproval, { ...wrong, approved: true }, "403 wrong_nonce"],
      [toolResult, { ...locating, nonce: "nonce_other" }, "403 wrong_nonce"],
      [toolApproval, { ...approving, tool_input: { folder: 1 } }, "422 invalid_answer"],
      [toolApproval, approving, "200 null"],
      [toolApproval, approving, "409 already_answered"],
      [toolApproval, { ...second, approved: false, reason: "Not that." }, "200 null"],
      [toolResult, locating, "200 null"],
      [toolResult, locating, "409 already_answered"],
    ] as const) {
      const { status, code } = await call(operation, { token, body })
      expect(`${status} ${code}`).toBe(expected)
    }

    const { bodies } = await check(chat, response)
    expect(bodies.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["interceptor_decision", "tool_approval_request", "approval_resolved"]),
    )
    expect(bodies).toContainEqual(expect.objectContaining({ type: "tool_call_start", nonce: place?.nonce }))
    const { bodies: followed } = await check(subscribe, await following)
    expect(followed).toEqual(bodies.slice(-followed.length))
    // A client that subscribes in the middle of a turn receives everything that is not in its messages yet.
    expect(followed.filter(({ type }) => type === "tool_call_complete")).toHaveLength(3)

    const granted = (await call(listGrants, { token })).bodies[0]
    expect(granted).toMatchObject({ grants: [{ tool_name: "erase", qualifier: "files" }] })
    expect((await call(revokeGrant, { token })).status).toBe(200)
    expect((await call(listGrants, { token })).bodies).toEqual([{ grants: [] }])
  })

  test("an approval by an operator is refused to clients as documented", async () => {
    const token = await newToken()
    const response = await send(chat, { token, body: { message: "/tool deploy" } })
    const [asked] = await pending(token, 1)
    expect(asked).toMatchObject({ nonce: "" })
    expect((await call(waits, { token })).bodies[0]).toMatchObject({ waits: [{ approvals_by: "operator" }] })
    const refused = { status: 403, code: "approval_by_operator" }
    for (const nonce of ["", "nonce_guessed"])
      expect(await call(toolApproval, { token, body: { ...asked, nonce, approved: true } })).toMatchObject(
        refused,
      )
    await call(cancel, { token })
    await check(chat, response)
  })

  test("a file of a sandbox is as documented", async () => {
    const token = await newToken()
    const code = `open("{path}", "w").write('"text"')`
    const message = `/tool code_execute ${JSON.stringify({ code })}`
    const response = await send(chat, { token, body: { message } })
    const [approval] = await pending(token, 1)
    expect((await call(toolApproval, { token, body: { ...approval, approved: true } })).status).toBe(200)
    await check(chat, response)
    expect(await call(file, { token })).toMatchObject({ status: 200, bodies: ["text"] })
    expect(await call(file, { token: await newToken() })).toMatchObject({
      status: 404,
      code: "file_not_found",
    })
  })

  test("questions of tools to the user are as documented", async () => {
    const token = await newToken()
    const response = await send(chat, { token, body: { message: "/tool book\n/tool pay" } })
    const [form, page] = await pending(token, 2)
    const asked = (await call(waits, { token })).bodies[0]
    expect(asked).toMatchObject({ waits: [{ kind: "elicitation" }, { kind: "elicitation" }] })
    const filling = { ...form, action: "accept", content: { name: "Ada" } }
    for (const [body, expected] of [
      [{ ...filling, nonce: "nonce_other" }, "403 wrong_nonce"],
      [{ ...filling, content: { name: 7 } }, "422 invalid_answer"],
      [filling, "200 null"],
      [filling, "409 already_answered"],
      [{ ...page, action: "decline" }, "200 null"],
    ] as const) {
      const { status, code } = await call(elicitation, { token, body })
      expect(`${status} ${code}`).toBe(expected)
    }
    const { bodies } = await check(chat, response)
    expect(bodies).toContainEqual(expect.objectContaining({ type: "elicitation_request", mode: "url" }))
    expect(bodies).toContainEqual(
      expect.objectContaining({ type: "elicitation_resolved", action: "decline" }),
    )
  })

  test("the end of a run withdraws its waits", async () => {
    const token = await newToken()
    const response = await send(chat, {
      token,
      body: { message: '/tool erase {"folder":"a"}\n/tool locate\n/tool book' },
    })
    const [approval, place, form] = await pending(token, 3)
    await call(cancel, { token })
    await check(chat, response)
    const late = { status: 410, code: "wait_expired" }
    expect(await call(toolApproval, { token, body: { ...approval, approved: true } })).toMatchObject(late)
    expect(await call(toolResult, { token, body: { ...place, result: 1 } })).toMatchObject(late)
    expect(await call(elicitation, { token, body: { ...form, action: "decline" } })).toMatchObject(late)
  })

  /** Waits until the session has this many open waits. Approvals come first, questions last. */
  function pending(token: string, count: number): Promise<readonly PendingCall[]> {
    return vi.waitFor(async () => {
      const { pending_approvals, pending_tool_calls, pending_elicitations } =
        (await call(history, { token })).bodies[0] ?? {}
      const calls = [pending_approvals, pending_tool_calls, pending_elicitations].flat() as PendingCall[]
      expect(calls).toHaveLength(count)
      return calls.map(({ tool_call_id, nonce }) => ({ tool_call_id, nonce }))
    })
  }
}

interface PendingCall {
  readonly tool_call_id: string
  readonly nonce: string
}
