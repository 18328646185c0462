/**
 * The view model of a conversation for any user interface: `ai-agent-gateway/client/view`.
 *
 * @module client/view
 */

export { applyEvent } from "./apply-event.ts"
export {
  type Conversation,
  type ConversationOptions,
  type ConversationState,
  createConversation,
  type MessageOptions,
} from "./conversation.ts"
export {
  type ChatView,
  emptyView,
  type QueuedMessage,
  type RunEnd,
  type ToolData,
  type ToolOutput,
  type UserContent,
  type ViewCompaction,
  type ViewCompactionPart,
  type ViewMessage,
  type ViewPart,
  type ViewRunEndPart,
  type ViewSubAgent,
  type ViewTask,
  type ViewToolCall,
  type ViewWait,
} from "./view.ts"
export { viewOfHistory } from "./view-of-history.ts"
export { addUserMessage } from "./view-state.ts"
