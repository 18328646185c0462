import type { Context } from "hono"
import { createPacer } from "../../core/fairness/pacer.ts"
import { computePlacesForNewcomers } from "../../core/fairness/places-for-newcomers.ts"
import type { Principal } from "../../core/ports/store/session-log.ts"
import { createLiveMemory } from "../../kernel/sessions/live-memory.ts"
import type { HttpEnv } from "../http-env.ts"
import type { HttpLimits } from "../limits/http-limits.ts"
import { computeNetwork } from "../limits/network.ts"
import type { ClientAddress } from "../request/client-address.ts"
import { createBodyBudget } from "./body-budget.ts"
import { type BodyLimits, readBoundedBody } from "./bounded-body.ts"
import { createJsonParser } from "./json-parser.ts"
import { readRawBody } from "./raw-body.ts"

/** Maximum size of the bodies in memory at once, of one owner and of all together, in bodies of the largest size. */
const bodiesOfOwner = 8
const bodiesTogether = 32
const bodiesKept = computePlacesForNewcomers(bodiesTogether)
/**
 * Share of the event loop for the large bodies of one owner, and the time that two of the largest bodies take at
 * once.
 */
const shareOfBodies = 0.15
const burstOfBodiesMs = 200

type BodyOwner = (c: Context<HttpEnv>) => Principal

export interface BodyReadersOptions {
  readonly limits: HttpLimits
  /** Bytes of memory for the bodies that are parsed and handled at once. */
  readonly parsedBytes: number
  /** If true, the application identifies people, so a request for a session needs no body. */
  readonly hasAuthenticate: boolean
  readonly clientAddress: ClientAddress
}

/** Creates the middleware that reads the bodies of requests, by the kind of route. */
export function createBodyReaders(options: BodyReadersOptions) {
  const { clientAddress, hasAuthenticate } = options
  const { chatBodyBytes, bodyBytes, jsonDepth, jsonValues } = options.limits
  const parse = createJsonParser()
  const createBudget = (maxBytes: number) =>
    createBodyBudget({
      ownerBytes: bodiesOfOwner * maxBytes,
      totalBytes: bodiesTogether * maxBytes,
      keptBytes: bodiesKept * maxBytes,
    })
  const pacer = createPacer({ share: shareOfBodies, burstMs: burstOfBodiesMs })
  const parsedMemory = createLiveMemory({ maxBytes: options.parsedBytes })
  const ofPrincipals = {
    parse,
    pacer,
    parsedMemory,
    budget: createBudget(Math.max(chatBodyBytes, bodyBytes)),
    owner: (c: Context<HttpEnv>) => c.get("caller").principal,
  }
  const limits: BodyLimits = { maxBytes: bodyBytes, maxDepth: jsonDepth, maxValues: jsonValues }
  const initBytes = Math.min(bodyBytes, maxInitBodyBytes)
  return {
    body: readBoundedBody({ ...ofPrincipals, limits }),
    optionalBody: readBoundedBody({ ...ofPrincipals, limits, optional: true }),
    chatBody: readBoundedBody({ ...ofPrincipals, limits: { ...limits, maxBytes: chatBodyBytes } }),
    readJson: (owner: BodyOwner) => readBoundedBody({ ...ofPrincipals, owner, limits, optional: true }),
    readRaw: (owner: BodyOwner, maxBytes: number) =>
      readRawBody({ budget: ofPrincipals.budget, owner, maxBytes }),
    // Also for clients that are not authenticated yet.
    initBody: readBoundedBody({
      parse,
      pacer,
      parsedMemory,
      budget: createBudget(initBytes),
      owner: (c) => ({ tenant: computeNetwork(clientAddress(c) ?? ""), userId: "" }),
      limits: { ...limits, maxBytes: initBytes, maxValues: Math.min(jsonValues, maxInitValues) },
      optional: hasAuthenticate,
    }),
  }
}

/**
 * Maximum bytes of an init request. This is enough for an API key, a user and a session with every character escaped.
 */
const maxInitBodyBytes = 32 * 1024
/** Maximum values in an init request. A valid request has fewer. */
const maxInitValues = 64
