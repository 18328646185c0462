import type { Clock } from "../../time/clock.ts"
import type { Logger } from "../logger.ts"
import type { Approvals } from "./approvals.ts"
import type { Archive } from "./archive.ts"
import type { Contents } from "./contents.ts"
import type { Directory } from "./directory.ts"
import type { StoreFigures } from "./figures.ts"
import type { KeptRequests } from "./kept-requests.ts"
import type { Keyring } from "./keyring.ts"
import type { Memory } from "./memory.ts"
import type { Outbox } from "./outbox.ts"
import type { StorePause } from "./pause.ts"
import type { Revocations } from "./revocations.ts"
import type { Schedules } from "./schedules.ts"
import type { Secrets } from "./secrets.ts"
import type { SessionLog } from "./session-log.ts"
import type { Snapshots } from "./snapshots.ts"
import type { Subscriptions } from "./subscriptions.ts"

/** Opens a store when its gateway starts. The gateway closes the store when it ends. */
export interface StoreOpener<Opened extends Store = Store> {
  open(parts: StoreParts): Promise<Opened>
}

/** The parts of the gateway that a store uses, and the durability of its writes. */
export interface StoreParts {
  readonly clock: Clock
  readonly logger: Logger
  /** With `process`, stored data survives the end of the process. With `full`, it also survives power loss. */
  readonly durability: "process" | "full"
}

/** All data that outlives the process, opened and closed as one. */
export interface Store {
  /**
   * The clock of all processes that share the store. The gateway uses it for all times that it stores or compares with
   * stored ones. Default: the clock of the machine.
   */
  readonly clock?: Clock
  readonly log: SessionLog
  readonly keyring: Keyring
  readonly revocations: Revocations
  readonly approvals: Approvals
  readonly directory: Directory
  readonly secrets: Secrets
  readonly outbox: Outbox
  readonly subscriptions: Subscriptions
  readonly snapshots: Snapshots
  /** Without it, agents cannot have the option `memory`. */
  readonly memory?: Memory
  /** Without it, agents cannot have the options `schedules` and `allowSchedules`. */
  readonly schedules?: Schedules
  /** Without it, large results of tools are truncated, and agents cannot have the option `largeResults`. */
  readonly contents?: Contents
  /** Without it, the gateway cannot have the option `keepRequests`. */
  readonly keptRequests?: KeptRequests
  /** Without it, old events stay in the log and count to the stored bytes of their session. */
  readonly archive?: Archive
  /** Default: the store cannot be paused. */
  readonly pause?: StorePause
  /** Returns sums for metrics. Default: the metrics have none of the store. */
  figures?(): Promise<StoreFigures>
  /** Resolves to the id of the store, which all its processes share. Tokens for users name it. */
  id(): Promise<string>
  /** Returns the names of tables that the store needs and does not have. Default: it has all of them. */
  missingTables?(): Promise<readonly string[]>
  /** Ends this process's membership without releasing its leases, so other processes may take them over. */
  close(): Promise<void>
}

/** Parts that a custom store may lack. */
export type OptionalStorePart = "memory" | "schedules" | "contents" | "keptRequests" | "archive"

/** A store with all parts. */
export type WholeStore = Store & Required<Pick<Store, OptionalStorePart>>
