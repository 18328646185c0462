/**
 * The hook for React: `ai-agent-gateway/react`.
 *
 * @module react
 */

import { useEffect, useState, useSyncExternalStore } from "react"
import type { ClientTools } from "../tool-calls.ts"
import {
  type Conversation,
  type ConversationOptions,
  type ConversationState,
  createConversation,
} from "../view/conversation.ts"

export interface UseAgentOptions extends ConversationOptions {
  /** Tools that this page executes. */
  readonly tools?: ClientTools
}

/** State of the conversation, and the actions of the user. The functions do not change between renderings. */
export interface Agent
  extends ConversationState,
    Omit<Conversation, "start" | "subscribe" | "getState" | "getInitialState"> {}

/**
 * Holds one session of a gateway for a component and its children. Another `url`, `sessionId`, `apiKey` or `userId`
 * starts another conversation with the options of that rendering. Later, only `token` and `tools` may change. Nothing
 * is sent before the component is mounted, so server rendering shows `history` or an empty conversation.
 */
export function useAgent(options: UseAgentOptions): Agent {
  const identity = JSON.stringify([options.url, options.sessionId, options.apiKey, options.userId])
  const [held, setHeld] = useState(() => hold(identity, options))
  const current = held.identity === identity ? held : hold(identity, options)
  if (current !== held) setHeld(current)
  const { conversation, latest } = current

  useEffect(() => {
    latest.token = options.token
    if (options.tools !== undefined) conversation.tools(options.tools)
  })
  useEffect(() => conversation.start(), [conversation])

  const { subscribe, getState, getInitialState, start, ...actions } = conversation
  const state = useSyncExternalStore(subscribe, getState, getInitialState)
  return { ...state, ...actions }
}

interface Held {
  readonly identity: string
  readonly conversation: Conversation
  /** Callback of the latest rendering with this identity. A conversation never calls the callback of another one. */
  readonly latest: { token: UseAgentOptions["token"] }
}

function hold(identity: string, { token, ...options }: UseAgentOptions): Held {
  const latest = { token }
  const source = token && {
    token: (request: Parameters<typeof token>[0]) => (latest.token ?? token)(request),
  }
  return { identity, conversation: createConversation({ ...options, ...source }), latest }
}
