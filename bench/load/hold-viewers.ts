import { Agent, get } from "node:http"
import type { Script } from "../script.ts"
import { eachAtOnce } from "./each-at-once.ts"
import { readStream } from "./read-stream.ts"
import { authorization, noSession, type OpenedSession, streamRequest, type Target } from "./target.ts"

export type ViewersRequest =
  /** Starts a run in each session and disconnects after the first token. */
  | { readonly step: "run"; readonly target: Target; readonly script: Script }
  /** Opens this many more viewers, spread over the sessions, and keeps them open. */
  | { readonly step: "watch"; readonly target: Target; readonly viewers: number }

const atOnce = 50

/** Resolves when all connections are in the requested state. They stay open until this process ends. */
export async function holdViewers(
  request: ViewersRequest,
  sessions: readonly OpenedSession[],
): Promise<void> {
  const { target } = request
  if (request.step === "run") {
    const agent = new Agent()
    await eachAtOnce(sessions.length, atOnce, (index) =>
      readStream(target.url, streamRequest(target, sessions[index] ?? noSession, request.script), {
        agent,
        untilFirstToken: true,
      }),
    )
  } else {
    await eachAtOnce(request.viewers, atOnce, (index) =>
      watch(target, sessions[index % sessions.length] ?? noSession),
    )
  }
}

/** Resolves after the first frame. */
function watch({ type, url }: Target, { token }: OpenedSession): Promise<void> {
  const path = type === "gateway" ? "/api/chat/subscribe?after_seq=0" : "/"
  return new Promise((resolve, reject) => {
    const request = get(url + path, { agent: false, headers: authorization(token) }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`${path} answered ${answer.statusCode}.`))
      answer.on("error", reject)
      answer.on("data", () => resolve())
    })
    request.on("error", reject)
  })
}
