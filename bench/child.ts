import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"

/** A process of the bench. Requests to it use the IPC channel, which is separate from the measured traffic. */
export interface Child {
  /** The child's message when it is ready: the address of a server. */
  readonly url: string
  ask<Answer>(name: string, detail?: object): Promise<Answer>
  stop(): Promise<void>
}

export interface Question {
  readonly id: number
  readonly name: string
  readonly detail: object
}

export type Reply =
  | { readonly type: "ready"; readonly url: string }
  | { readonly type: "answer"; readonly id: number; readonly answer: unknown }
  | { readonly type: "failure"; readonly id: number; readonly message: string }

/** Starts a file of this folder. `settings` is its only argument. */
export async function startChild(file: string, settings: object = {}): Promise<Child> {
  const child = fork(new URL(file, import.meta.url), [JSON.stringify(settings)], {
    execArgv: ["--expose-gc"],
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const ready = Promise.withResolvers<string>()
  child.on("message", (message) => {
    const reply = message as Reply
    if (reply.type === "ready") ready.resolve(reply.url)
    else if (reply.type === "answer") waiting.get(reply.id)?.resolve(reply.answer)
    else waiting.get(reply.id)?.reject(new Error(`${file}: ${reply.message}`))
  })
  child.once("exit", (code, signal) => {
    const error = new Error(`${file} ended early (${signal ?? code}).`)
    ready.reject(error)
    for (const { reject } of waiting.values()) reject(error)
  })
  let questions = 0
  return {
    url: await ready.promise,
    async ask<Answer>(name: string, detail: object = {}) {
      const id = questions++
      const answer = Promise.withResolvers<unknown>()
      waiting.set(id, answer)
      child.send({ id, name, detail } satisfies Question)
      try {
        return (await answer.promise) as Answer
      } finally {
        waiting.delete(id)
      }
    },
    stop: () => stop(child),
  }
}

/** Closes the channel. The child then ends by itself. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, "exit")
  const timer = setTimeout(() => child.kill("SIGKILL"), 10_000)
  child.disconnect()
  await exited
  clearTimeout(timer)
}
