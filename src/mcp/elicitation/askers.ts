import { AsyncLocalStorage } from "node:async_hooks"
import type { ToolContext } from "../../core/ports/tool.ts"

/** Whom a call may ask. */
export type Asker = Pick<ToolContext, "ask"> & { readonly session: Pick<ToolContext["session"], "id"> }

/** The calls in flight on one connection: a question that comes meanwhile does not say whose it is. */
export interface Askers {
  during<Result>(asker: Asker, call: () => Promise<Result>): Promise<Result>
  /**
   * Whom to ask. Over streamable HTTP a question comes with the response to its call, whose context is the one this is
   * called in. Elsewhere it is the oldest call of the only session that has one in flight: nobody is asked, by mistake,
   * what is meant for somebody else. Null where that cannot be told.
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
