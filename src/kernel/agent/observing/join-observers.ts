import type { Logger } from "../../../core/ports/logger.ts"
import type { Observer } from "../../../core/ports/observer.ts"

type Fact<Name extends keyof Observer> = Parameters<Observer[Name]>[0]
type Calls = { readonly [Name in keyof Observer]: (fact: Fact<Name>) => void }

export interface AttachedObserver {
  readonly observer: Partial<Observer>
  /** If set, the observer receives no facts of other agents. */
  readonly agent: string | null
}

/** Milliseconds after which a call counts as slow. An observer delays the whole process while it runs. */
const slowMs = 50

/**
 * Number of slow calls after which an observer is logged, once. A few calls can be slow through no fault of the
 * observer: its first call is compiled, and the machine may be busy.
 */
const slowCalls = 5

/**
 * Returns one observer that calls all of these in order. It has only the functions that one of them has, so that
 * facts without a receiver are not even built. An observer that throws, or whose promise rejects, is logged once
 * and left out from then on. `former`, which this function has returned before, is called first.
 */
export function joinObservers(
  attached: readonly AttachedObserver[],
  logger: Logger,
  former: Partial<Calls> = {},
): Partial<Observer> {
  const guarded = attached.map(({ observer, agent }) => createMember(observer, agent, logger))
  const members: readonly Member[] = [{ select: (name) => former[name]?.bind(former) }, ...guarded]
  const joined: { -readonly [Name in keyof Calls]?: Calls[Name] } = {}
  const join = <Name extends keyof Observer>(name: Name) => {
    const calls = members.flatMap((member) => member.select(name) ?? [])
    const [first] = calls
    if (first === undefined) return
    const callAll: Calls[Name] = (fact: Fact<Name>) => {
      for (const call of calls) call(fact)
    }
    joined[name] = calls.length === 1 ? first : callAll
  }
  for (const name of observerNames) join(name)
  return joined
}

interface Member {
  /** Returns the guarded function. Undefined if the observer has none of this name. */
  select<Name extends keyof Observer>(name: Name): Calls[Name] | undefined
}

function createMember(observer: Partial<Calls>, agent: string | null, logger: Logger): Member {
  let isLeftOut = false
  let slow = 0
  const leaveOut = (name: string, error: unknown) => {
    if (isLeftOut) return
    isLeftOut = true
    logger.error(
      { error, observer: name },
      "An observer failed. It is not called again, and nothing else changes.",
    )
  }
  return {
    select<Name extends keyof Observer>(name: Name) {
      const call = observer[name]
      if (call === undefined) return undefined
      return (fact: Fact<Name>) => {
        if (isLeftOut || (agent !== null && "agent" in fact && fact.agent !== agent)) return
        const startedAt = performance.now()
        try {
          // The types allow a function that returns a promise.
          const result: unknown = call.call(observer, fact)
          if (result instanceof Promise) result.catch((error: unknown) => leaveOut(name, error))
        } catch (error) {
          leaveOut(name, error)
        }
        const durationMs = performance.now() - startedAt
        if (durationMs < slowMs || ++slow !== slowCalls) return
        logger.warn(
          { observer: name, durationMs: Math.round(durationMs), slowCalls },
          "An observer has taken long five times. Until it returns, the process does nothing else.",
        )
      }
    },
  }
}

/** Has every function of an observer, so that none can be forgotten. */
const names: Readonly<Record<keyof Observer, true>> = {
  onExecutionStarted: true,
  onExecutionEnded: true,
  onRunOpened: true,
  onRunEnded: true,
  onTurnStarted: true,
  onTurnEnded: true,
  onAttemptSent: true,
  onFirstToken: true,
  onAttemptEnded: true,
  onToolCallStarted: true,
  onToolCallEnded: true,
  onWaitOpened: true,
  onWaitResolved: true,
  onEventStored: true,
  onCommit: true,
  onStreamOpened: true,
  onStreamClosed: true,
  onLeaseTaken: true,
  onLeaseEnded: true,
  onDeliveryStarted: true,
  onDeliveryEnded: true,
  onItemDelivered: true,
  onItemDead: true,
}

export const observerNames = Object.keys(names) as readonly (keyof Observer)[]
