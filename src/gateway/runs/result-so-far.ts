import { joinTexts } from "../../core/history/messages.ts"
import type { LiveEntry } from "../../core/log/entries.ts"
import { addSpending, noSpending, type Spending } from "../../core/usage.ts"

/** Folds the entries of an open run into its preliminary result. */
export class ResultSoFar {
  readonly #texts: string[] = []
  #spent: Spending = noSpending
  #startedAt = 0
  #endedAt = 0
  readonly #toolsUsed = new Set<string>()

  see(entry: LiveEntry): void {
    if (entry.kind !== "event") return
    this.#startedAt ||= entry.at
    this.#endedAt = entry.at
    const { event } = entry
    if (event.type === "toolCallRequested") this.#toolsUsed.add(event.name)
    if (event.type === "messageCompleted" || event.type === "modelCallFailed")
      this.#spent = addSpending(this.#spent, event)
    const text = event.type === "messageCompleted" ? joinTexts(event.message.content) : ""
    if (text !== "") this.#texts.push(text)
  }

  /** Returns the result up to the last event seen. Must not be called before the first one. */
  result() {
    return {
      response: this.#texts.at(-1) ?? "",
      transcript: this.#texts.join("\n\n"),
      toolsUsed: [...this.#toolsUsed],
      ...this.#spent,
      startedAt: this.#startedAt,
      endedAt: this.#endedAt,
    }
  }
}
