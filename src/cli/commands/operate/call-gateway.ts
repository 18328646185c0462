import { isJsonObject } from "../../../core/json/json.ts"
import type { AnyOperation } from "../../../operations/operation.ts"
import {
  type Operate,
  type OperationName,
  type OperationOutput,
  operations,
} from "../../../operations/operations.ts"
import { CliError } from "../../cli-error.ts"
import { findApi } from "../chat/find-api.ts"

export interface GatewayTarget {
  /** Address of the gateway, with or without the default prefix of its API. */
  readonly url: string
  readonly operatorKey: string
  readonly signal: AbortSignal
}

/** Creates a function that runs operations on a running gateway over HTTP. */
export function callGateway({ url, operatorKey, signal }: GatewayTarget): Operate {
  const api = findApi(url, signal)
  return async <Name extends OperationName>(name: Name, input: object) => {
    const operation: AnyOperation = operations[name]
    const { method, path, members } = fillRoute(operation.route, input)
    const isGet = method === "GET"
    const query = new URLSearchParams()
    if (isGet) for (const [member, value] of members) query.set(member, String(value))
    const address = `${(await api).replace(/\/$/, "")}/operate${path}${query.size > 0 ? `?${query}` : ""}`
    const response = await fetch(address, {
      method,
      headers: { authorization: `Bearer ${operatorKey}`, "content-type": "application/json" },
      ...(!isGet && { body: JSON.stringify(Object.fromEntries(members)) }),
      redirect: "error",
      signal,
    }).catch((error: unknown) => {
      throw new CliError(`${url} cannot be reached: is it the address of a gateway?`, { cause: error })
    })
    const { data, success } = operation.output.safeParse(await readAnswer(response, url))
    if (!success) throw createUnknownAnswer(url)
    // The schema of this operation made the result.
    return data as OperationOutput<Name>
  }
}

/** Moves the members that the path names from the input into the path. */
function fillRoute(route: string, input: object) {
  const [method = "", template = ""] = route.split(" ")
  const members = new Map<string, unknown>(Object.entries(input))
  const path = template.replaceAll(/\{(\w+)\}/g, (_, member: string) => {
    const value = String(members.get(member))
    members.delete(member)
    return encodeURIComponent(value)
  })
  return { method, path, members: [...members].filter(([, value]) => value !== undefined) }
}

async function readAnswer(response: Response, url: string): Promise<unknown> {
  const answer: unknown = await response.json().catch(() => null)
  if (response.ok) return answer
  const { detail, code } = isJsonObject(answer) ? answer : {}
  if (typeof detail !== "string") {
    throw createUnknownAnswer(url)
  }
  throw new CliError(code === "invalid_credentials" ? `${detail} Set AGENT_GATEWAY_OPERATOR_KEY.` : detail)
}

function createUnknownAnswer(url: string): CliError {
  return new CliError(`${url} did not respond like this version: is it the address of a gateway?`)
}
