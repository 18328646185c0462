export interface PruneLimits {
  readonly deltasSettledBefore: number
  readonly sessionsUsedBefore: number
  /** Sessions with `keepMs` are dropped if that time after their last use ended before this. Default: none. */
  readonly keptUntil?: number
  /** Default: sessions wait for no subscriber. */
  readonly subscribersBehindBefore?: number
  /** Subscriptions last registered before this time are forgotten with their cursors. Default: none. */
  readonly subscribersSeenBefore?: number
  /** Outbox rows that died before this time are dropped. Default: none. */
  readonly outboxDiedBefore?: number
  /** Kinds of the outbox items that report a removed session, stored with the removal. Default: none is stored. */
  readonly removedSessionKinds?: readonly string[]
}
