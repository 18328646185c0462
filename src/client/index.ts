/**
 * The client for browsers and programs, without dependencies: `ai-agent-gateway/client`.
 *
 * @module client
 */

export type { ChatEvent } from "../core/wire/chat-event.ts"
export type { ImageBlock, TextBlock, Usage } from "../core/wire/content.ts"
export type {
  ChatMessage,
  History,
  HistoryMessage,
  ImageInput,
  Problem,
  Sessions,
  TextInput,
} from "../core/wire/messages.ts"
export {
  type Approval,
  type CancelableOptions,
  type Chat,
  connect,
  type HistoryOptions,
  type Message,
  type SendOptions,
  type SubscribeOptions,
  type WaitReference,
} from "./chat.ts"
export { ChatError, type ChatErrorOptions } from "./chat-error.ts"
export type { ConnectOptions } from "./connect.ts"
export type { ConnectionState, SentEvent } from "./follow.ts"
export type { ForgetQuery, MemoriesPage, MemoriesQuery, StoredMemory } from "./memories.ts"
export type { Run, RunResult } from "./run.ts"
export type { SessionToken, TokenRequest, TokenSource } from "./tokens.ts"
export type { ClientTool, ClientToolContext, ClientTools, DeclaredTool } from "./tool-calls.ts"
export { connectUser, type IssuedUserToken, type SessionsQuery, type User, type UserOptions } from "./user.ts"
