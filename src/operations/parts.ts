import type { EventEntry } from "../core/log/entries.ts"
import type { Directory } from "../core/ports/store/directory.ts"
import type { Sessions } from "../kernel/sessions/sessions.ts"
import type { Costs } from "./costs.ts"
import type { FindTitles } from "./titles.ts"

/** The parts of a gateway that the operations use. */
export interface OperationParts {
  readonly directory: Pick<Directory, "sessions" | "session" | "runs" | "run">
  readonly sessions: Pick<Sessions, "session" | "revoke" | "cancel" | "grants">
  readonly titles: FindTitles
  readonly costs: Costs
  /** Returns one page of a session's events after a sequence number, with secrets masked. */
  readonly readEvents: (sessionId: string, afterSeq: number, limit?: number) => Promise<readonly EventEntry[]>
}
