import type { Question, Reply } from "./child.ts"
import { answersAboutProcess } from "./process-usage.ts"

export type Answers = Readonly<Record<string, (detail: never) => unknown>>

/**
 * Implements the child's side of `startChild`: reports that it is ready, answers requests, and ends when the parent
 * disconnects.
 */
export function serveParent(
  url: string,
  { answers = {}, close }: { readonly answers?: Answers; readonly close?: () => Promise<void> },
): void {
  const all: Answers = { ...answersAboutProcess, ...answers }
  process.on("message", (message) => {
    const question = message as Question
    answer(all, question).then(send, (error: unknown) =>
      send({
        type: "failure",
        id: question.id,
        message: error instanceof Error ? error.message : String(error),
      }),
    )
  })
  process.once("disconnect", () => {
    Promise.resolve(close?.()).then(
      () => process.exit(0),
      () => process.exit(1),
    )
  })
  send({ type: "ready", url })
}

/** Returns the argument of `startChild`. */
export function childSettings<Settings>(): Settings {
  return JSON.parse(process.argv[2] ?? "{}")
}

async function answer(answers: Answers, { id, name, detail }: Question): Promise<Reply> {
  const ask = answers[name]
  if (ask === undefined) throw new Error(`There is no answer to "${name}".`)
  return { type: "answer", id, answer: await ask(detail as never) }
}

function send(reply: Reply): void {
  if (process.connected) process.send?.(reply)
}
