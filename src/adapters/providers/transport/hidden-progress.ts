import type { ModelProgress } from "../../../core/ports/model/provider.ts"
import type { Usage } from "../../../core/usage.ts"

/** Counts the content of a response that no text delta shows. */
export class HiddenProgress {
  /** Bytes of content without text, such as the input of calls. */
  bytes = 0
  /** If true, content without text has arrived since the last `take`. */
  advanced = false

  /** Returns the progress that was not shown yet. */
  take(usage: Usage | null): ModelProgress {
    const { bytes: hiddenBytes, advanced } = this
    this.advanced = false
    return {
      type: "progress",
      hiddenBytes,
      ...(advanced && { advanced }),
      ...(usage !== null && { usage }),
    }
  }
}
