/**
 * The hook for React: `ai-agent-gateway/react`.
 *
 * @module react
 */

import { useEffect, useRef, useState, useSyncExternalStore } from "react"
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
 * starts another conversation. The other options may change with each rendering. Nothing is sent before the component
 * is mounted, so server rendering shows `history` or an empty conversation.
 */
export function useAgent(options: UseAgentOptions): Agent {
  const identity = JSON.stringify([options.url, options.sessionId, options.apiKey, options.userId])
  const latest = useRef(options)
  const [held, setHeld] = useState(() => hold(identity, latest))
  const current = held.identity === identity ? held : hold(identity, latest)
  if (current !== held) setHeld(current)
  const { conversation } = current

  useEffect(() => {
    latest.current = options
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
}

function hold(identity: string, latest: { readonly current: UseAgentOptions }): Held {
  const { token, ...options } = latest.current
  // The callback of the latest rendering is called, not the first one.
  const source = token && {
    token: (request: Parameters<typeof token>[0]) => (latest.current.token ?? token)(request),
  }
  return { identity, conversation: createConversation({ ...options, ...source }) }
}
