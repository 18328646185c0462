/** A program reports that it has started a phase of a request, and then the result of the request. */
export type WorkerMessage =
  | { readonly type: "started"; readonly phase: string; readonly cpuMs: number }
  | { readonly type: "reply"; readonly reply: unknown }

export interface WorkerSettings {
  /** If true, `cpuMs` counts the thread's own CPU time; otherwise that of the whole process. */
  readonly countsOwnCpu: boolean
}

export function toMilliseconds({ user, system }: { readonly user: number; readonly system: number }): number {
  return (user + system) / 1_000
}
