import { z } from "zod"
import type { Logger } from "../../core/ports/logger.ts"
import type { Observer } from "../../core/ports/observer.ts"
import {
  type AttachedObserver,
  joinObservers,
  observerNames,
} from "../../kernel/agent/observing/join-observers.ts"
import { createLogObserver } from "../../kernel/agent/observing/log-observer.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import type { OpenedPlugin } from "../plugins/open-plugins.ts"

/** Option for functions that measure what the process does. */
export interface ObserverOptions {
  /**
   * Observers of all agents and of the process, such as for metrics. They are called synchronously and must return at
   * once. Default: none.
   */
  readonly observers?: readonly Partial<Observer>[]
}

const anObserver = z.custom<Partial<Observer>>(
  (value) => {
    const functions: Readonly<Record<string, unknown>> = Object(value)
    return observerNames.some((name) => typeof functions[name] === "function")
  },
  `expected an observer: an object with at least one of the functions ${observerNames.join(", ")}`,
)

export const observerOptions = declareOptions<ObserverOptions>()({
  observers: z.array(anObserver).default([]),
})

/** Returns the observers of an agent's plugins. They receive the facts of this agent, and those of the process. */
export function collectObservers(
  agent: string,
  plugins: readonly OpenedPlugin[],
): readonly AttachedObserver[] {
  return plugins.flatMap(({ parts }) => (parts.observers ?? []).map((observer) => ({ observer, agent })))
}

/**
 * Joins everything that observes the process: the log first, then the gateway's own, then the application's observers,
 * then the plugins'.
 */
export function createObservers(
  { observers }: Required<ObserverOptions>,
  own: readonly Partial<Observer>[],
  agents: readonly { readonly observers: readonly AttachedObserver[] }[],
  logger: Logger,
): Partial<Observer> {
  const ofGateway = [createLogObserver(logger), ...own, ...observers].map((observer) => ({
    observer,
    agent: null,
  }))
  return joinObservers([...ofGateway, ...agents.flatMap((agent) => agent.observers)], logger)
}
