/**
 * Stores, and the ports that a custom store implements.
 *
 * @module stores
 */

export type { StoreOptions } from "../adapters/stores/options.ts"
export type { PostgresOptions } from "../adapters/stores/postgres/options.ts"
export type { IdPrefix, Ids } from "../core/ids.ts"
export type { Logger } from "../core/ports/logger.ts"
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
} from "../core/ports/store/approvals.ts"
export type { Archive, ArchiveRange, DueArchive } from "../core/ports/store/archive.ts"
export {
  type Content,
  type ContentLimits,
  type Contents,
  contentChunkBytes,
} from "../core/ports/store/contents.ts"
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
} from "../core/ports/store/directory.ts"
export type { Backlog, StoreFigures } from "../core/ports/store/figures.ts"
export type {
  Found,
  InboxMessage,
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
  WithdrawMessageCommand,
} from "../core/ports/store/inbox.ts"
export { maxQueuedMessages } from "../core/ports/store/inbox.ts"
export type {
  KeptRequest,
  KeptRequestFacts,
  KeptRequestQuery,
  KeptRequests,
  NewKeptRequest,
} from "../core/ports/store/kept-requests.ts"
export type { Keyring, SigningKey } from "../core/ports/store/keyring.ts"
export { alwaysLive, type Liveness } from "../core/ports/store/liveness.ts"
export type {
  FoundMemory,
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
} from "../core/ports/store/memory.ts"
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
  OutboxDeliveryOptions,
  OutboxFailure,
  OutboxFilter,
  OutboxHandler,
  OutboxItem,
  OutboxRow,
  RowChoice,
  StartChild,
} from "../core/ports/store/outbox.ts"
export type { StorePause } from "../core/ports/store/pause.ts"
export type { PruneLimits } from "../core/ports/store/prune-limits.ts"
export type { ReadOptions } from "../core/ports/store/read-options.ts"
export type { Revocations } from "../core/ports/store/revocations.ts"
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
} from "../core/ports/store/schedules.ts"
export type { Secrets } from "../core/ports/store/secrets.ts"
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
  OpenedSession,
  Principal,
  PutOutcome,
  ReleaseOptions,
  Run,
  Session,
  SessionBatch,
  SessionLog,
  SessionParent,
  StoredCommand,
} from "../core/ports/store/session-log.ts"
export type { HeldPlaces, Shares } from "../core/ports/store/shares.ts"
export {
  type NewSnapshot,
  type Snapshot,
  type SnapshotLease,
  type SnapshotRange,
  type Snapshots,
  snapshotRowBytes,
} from "../core/ports/store/snapshots.ts"
export type { StorageLimits } from "../core/ports/store/storage-limits.ts"
export type {
  OptionalStorePart,
  Store,
  StoreOpener,
  StoreParts,
  WholeStore,
} from "../core/ports/store/store.ts"
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
} from "../core/ports/store/subscriptions.ts"
export type { ScheduleOrigin, ScheduleSpec, ScheduleState } from "../core/schedule.ts"
export type { Clock } from "../core/time/clock.ts"
export type { NewWait } from "../core/wait.ts"
export { memoryStore, postgresStore, sqliteStore } from "../gateway/service/open-store.ts"
