/**
 * Stores, and the ports that a custom store implements.
 *
 * @module stores
 */

export type { IdPrefix, Ids } from "../core/ids.ts"
export type {
  Approvals,
  AuditFilter,
  AuditRecord,
  Grant,
  GrantRevocation,
  ToolType,
  Wait,
  WaitFilter,
  WaitKey,
} from "../core/ports/approvals.ts"
export type { Archive, ArchiveRange, DueArchive } from "../core/ports/archive.ts"
export { type Content, type ContentLimits, type Contents, contentChunkBytes } from "../core/ports/contents.ts"
export {
  type Directory,
  type DirectoryCursor,
  type DirectoryPage,
  type DirectoryQuery,
  type ListedRun,
  type ListedSession,
  maxDirectoryPage,
  type RunQuery,
  type RunState,
  type SessionQuery,
  type SessionState,
} from "../core/ports/directory.ts"
export type {
  Found,
  PendingOptions,
  PutAndClaimOutcome,
  PutCommand,
  PutRun,
  QueuedRun,
  RunOpened,
  SteerCommand,
  TaskEndCommand,
  WhenBusy,
  WithdrawCommand,
} from "../core/ports/inbox.ts"
export { maxQueuedMessages } from "../core/ports/inbox.ts"
export type { Keyring, SigningKey } from "../core/ports/keyring.ts"
export { alwaysLive, type Liveness } from "../core/ports/liveness.ts"
export type { Logger } from "../core/ports/logger.ts"
export type {
  Memory,
  MemoryBounds,
  MemoryFilter,
  MemoryKey,
  MemoryListQuery,
  MemoryOrigin,
  MemoryOwnersQuery,
  MemoryPage,
  MemoryRecord,
  MemoryScope,
  MemoryVector,
  NewMemory,
  OwnedMemories,
  RecallQuery,
  RememberOptions,
  RememberOutcome,
} from "../core/ports/memory.ts"
export type {
  ClaimedItem,
  CommandDelivery,
  CommandItem,
  CommandResult,
  HandledItem,
  NewChild,
  Outbox,
  OutboxClaim,
  OutboxCommand,
  OutboxDelivery,
  OutboxFailure,
  OutboxFilter,
  OutboxHandler,
  OutboxItem,
  OutboxRow,
  RowChoice,
  StartChild,
} from "../core/ports/outbox.ts"
export type { ReadOptions } from "../core/ports/read-options.ts"
export type {
  AdvanceOutcome,
  CreateOutcome,
  Firing,
  NewSchedule,
  Occurrence,
  OccurrenceCause,
  Schedule,
  ScheduleBounds,
  ScheduleChange,
  ScheduleQuery,
  ScheduleStep,
  Schedules,
  SkippedOccurrence,
} from "../core/ports/schedules.ts"
export type { Secrets } from "../core/ports/secrets.ts"
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
  NewSession,
  NewWait,
  Principal,
  PruneLimits,
  PutOutcome,
  ReleaseOptions,
  Run,
  Session,
  SessionBatch,
  SessionLog,
  SessionParent,
  StorageLimits,
  StoredCommand,
} from "../core/ports/session-log.ts"
export type { HeldPlaces, Shares } from "../core/ports/shares.ts"
export {
  type NewSnapshot,
  type Snapshot,
  type SnapshotLease,
  type SnapshotRange,
  type Snapshots,
  snapshotRowBytes,
} from "../core/ports/snapshots.ts"
export type { Store, StoreOpener, StoreParts } from "../core/ports/store.ts"
export type {
  Cursor,
  CursorClaim,
  CursorFailure,
  EventPage,
  ForgottenSubscription,
  Gap,
  Subscriber,
  SubscriberContext,
  Subscription,
  Subscriptions,
} from "../core/ports/subscriptions.ts"
export type { ScheduleOrigin, ScheduleSpec, ScheduleState } from "../core/schedule.ts"
export type { Clock } from "../core/time/clock.ts"
export { memoryStore, postgresStore, sqliteStore } from "../gateway/open-store.ts"
export type { StoreOptions } from "../stores/options.ts"
