import { expect, expectTypeOf, test } from "vitest"
import { ChatError } from "../chat-error.ts"
import { createProblem, type FakeGatewayOptions, fakeGateway } from "../fixtures/fake-gateway.ts"
import type { TokenSource } from "../tokens.ts"
import { type ConversationState, createConversation } from "./conversation.ts"

/** Starts a conversation, and resolves to its state when it has failed. */
async function failedState(
  gateway: FakeGatewayOptions,
  token: TokenSource = () => "token",
): Promise<ConversationState> {
  const { fetch } = fakeGateway(gateway)
  const conversation = createConversation({ url: "https://gateway.test/api", token, fetch, retryDelayMs: 1 })
  const failed = new Promise<ConversationState>((resolve) => {
    conversation.subscribe(() => {
      const state = conversation.getState()
      if (state.status === "failed") resolve(state)
    })
  })
  const stop = conversation.start()
  try {
    return await failed
  } finally {
    stop()
  }
}

test("a refusal of the gateway is the failure of the conversation, with its problem", async () => {
  const { failure } = await failedState({ intercept: () => createProblem(404, "session_not_found") })
  expect(failure).toBeInstanceOf(ChatError)
  expect(failure).toMatchObject({
    code: "session_not_found",
    status: 404,
    message: "It is session_not_found.",
  })
})

test.each([
  [
    Object.assign(new Error("You are signed out."), { code: "signed_out" }),
    "signed_out",
    "You are signed out.",
  ],
  [new Error("You are signed out."), "callback_failed", "You are signed out."],
  ["signed out", "callback_failed", "signed out"],
  [null, "callback_failed", "null"],
])("an error of the token callback is the cause of the failure: %s", async (cause, code, message) => {
  const { failure } = await failedState({}, () => Promise.reject(cause))
  expect(failure).toBeInstanceOf(ChatError)
  expect(failure).toMatchObject({ code, message, cause, problem: null, status: null, retryable: false })
})

test("the type of the failure is that of the client's errors", () => {
  expectTypeOf<ConversationState["failure"]>().toEqualTypeOf<ChatError | null>()
})
