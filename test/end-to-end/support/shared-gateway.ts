import { beforeAll } from "vitest"
import {
  type ScriptedUpstream,
  startScriptedUpstream,
  type UpstreamReply,
  type UpstreamRequest,
} from "../../../src/testing/provider/scripted-upstream.ts"
import { type GatewayProcess, startGateway } from "./gateway-process.ts"
import { atEndOfFile } from "./on-end.ts"
import { type SessionClient, startSession } from "./session-client.ts"
import { temporaryFolder } from "./temporary-folder.ts"

/** Request of the test itself to the model service, between two tests. */
const betweenTests = "/between-tests"

/** The part of the gateway that one test has. */
export interface Serving {
  readonly gateway: GatewayProcess
  /** The gateway's working directory. */
  readonly folder: string
  /** A new one. */
  readonly session: SessionClient
  /** The model's calls since the test began. */
  readonly model: Pick<ScriptedUpstream, "url" | "requests">
}

/**
 * One gateway for all tests of a file, which take their turns: each gives the model its answers, one a call.
 * To be called at the file's top level.
 */
export function sharedGateway(): (script: readonly UpstreamReply[]) => Promise<Serving> {
  const onEnd = atEndOfFile()
  let upstream: ScriptedUpstream
  let gateway: GatewayProcess
  let folder: string
  let script: readonly UpstreamReply[] = []
  let requests: UpstreamRequest[] = []

  beforeAll(async () => {
    upstream = await startScriptedUpstream((request) => {
      if (request.path === betweenTests) return { steps: [] }
      requests.push(request)
      const reply = script[requests.length - 1]
      if (reply === undefined) throw new Error(`The script has no reply to call ${requests.length}.`)
      return reply
    })
    onEnd(() => upstream.close())
    folder = await temporaryFolder(onEnd)
    gateway = await startGateway({ folder, model: upstream, onEnd })
  })

  return async (answers) => {
    // A call that a cancel cut off may have been sent by then and not been read here: it comes before this one.
    await (await fetch(`${upstream.url}${betweenTests}`)).text()
    script = answers
    requests = []
    return {
      gateway,
      folder,
      session: await startSession(gateway.url),
      model: { url: upstream.url, requests },
    }
  }
}
