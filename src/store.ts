/** The types that a store of your own needs. */

export type {
  PendingOptions,
  PutRun,
  QueuedRun,
  RunOpened,
  SteerCommand,
  WithdrawCommand,
} from "./core/ports/inbox.ts"
export type { Keyring, SigningKey } from "./core/ports/keyring.ts"
export type {
  Memory,
  MemoryBounds,
  MemoryListQuery,
  MemoryScope,
  MemoryVector,
  NewMemory,
  RecallQuery,
  RememberOptions,
  RememberOutcome,
} from "./core/ports/memory.ts"
export type {
  AcceptedAnswer,
  AnswerCommand,
  AnswerOutcome,
  CancelCommand,
  Command,
  CommitOutcome,
  Lease,
  MessageCommand,
  MessageInput,
  NewChild,
  NewSession,
  NewWait,
  PruneLimits,
  PutAndClaimOutcome,
  PutOutcome,
  ReadOptions,
  ReleaseOptions,
  SessionBatch,
  SessionLog,
  StorageLimits,
  StoredCommand,
} from "./core/ports/session-log.ts"
export type { HeldPlaces, Shares } from "./core/ports/shares.ts"
