import { beforeAll } from "vitest"
import type {
  ScriptedUpstream,
  UpstreamReply,
  UpstreamRequest,
} from "../../../src/testing/provider/scripted-upstream.ts"
import { type GatewayProcess, startGateway } from "./gateway-process.ts"
import { startModel } from "./model.ts"
import { atEndOfFile } from "./on-end.ts"
import { type SessionClient, startSession } from "./session-client.ts"
import { temporaryFolder } from "./temporary-folder.ts"

/** Path of the test's own request to the model provider between two tests. */
const betweenTests = "/between-tests"

/** The parts of the gateway that one test uses. */
export interface Serving {
  readonly gateway: GatewayProcess
  /** Working directory of the gateway. */
  readonly folder: string
  /** A new session. */
  readonly session: SessionClient
  /** The model calls since the start of the test. */
  readonly model: Pick<ScriptedUpstream, "url" | "requests">
}

/**
 * Provides one gateway for all tests of a file, which run one after the other. Each test scripts the model's replies,
 * one for each call. Must be called at the top level of the file.
 */
export function sharedGateway(): (script: readonly UpstreamReply[]) => Promise<Serving> {
  const onEnd = atEndOfFile()
  let upstream: ScriptedUpstream
  let gateway: GatewayProcess
  let folder: string
  let script: readonly UpstreamReply[] = []
  let requests: UpstreamRequest[] = []

  beforeAll(async () => {
    upstream = await startModel((request) => {
      if (request.path === betweenTests) return { steps: [] }
      requests.push(request)
      const reply = script[requests.length - 1]
      if (reply === undefined) throw new Error(`The script has no reply to call ${requests.length}.`)
      return reply
    }, onEnd)
    folder = await temporaryFolder(onEnd)
    gateway = await startGateway({ folder, model: upstream, onEnd })
  })

  return async (answers) => {
    // A model call of a canceled run may have been sent and not received yet. It arrives before this request.
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
