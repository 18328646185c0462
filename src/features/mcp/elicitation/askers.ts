import { AsyncLocalStorage } from "node:async_hooks"
import type { ToolContext } from "../../../core/ports/tools/tool.ts"

/** The user and the session that a call may ask. */
export type Asker = Pick<ToolContext, "ask"> & { readonly session: Pick<ToolContext["session"], "id"> }

/** The calls in flight on one connection. They are needed because a question during a call does not name the call. */
export interface Askers {
  during<Result>(asker: Asker, call: () => Promise<Result>): Promise<Result>
  /**
   * Returns the asker of a question. Over streamable HTTP a question arrives with the response to its call, in whose
   * async context this is called. Otherwise it is the oldest call of the only session that has one in flight, so that
   * no user receives a question for another user. Null if the asker is unknown.
   */
  current(): Asker | null
}

export function createAskers(): Askers {
  const own = new AsyncLocalStorage<Asker>()
  const inFlight = new Set<Asker>()
  return {
    async during(asker, call) {
      inFlight.add(asker)
      try {
        return await own.run(asker, call)
      } finally {
        inFlight.delete(asker)
      }
    },
    current() {
      const asker = own.getStore()
      if (asker !== undefined) return inFlight.has(asker) ? asker : null
      const [oldest = null, ...others] = inFlight
      return others.every(({ session }) => session.id === oldest?.session.id) ? oldest : null
    },
  }
}
