import { isJsonObject, type JsonObject } from "../../../core/json/json.ts"

/** A service's description of an error, in the body of an error status or within a stream. */
export interface ServiceComplaint {
  readonly message: string
  readonly code: string | null
  readonly type: string | null
  /** The HTTP status, or the status that some services send in place of a code. */
  readonly status: number | undefined
}

/** An error within a stream, which the SDK does not see. */
export class ServiceError extends Error implements ServiceComplaint {
  readonly code: string | null
  readonly type: string | null
  readonly status: number | undefined

  /** @param said The error object, or the value in its place. */
  constructor(said: unknown) {
    const error = isJsonObject(said) ? said : {}
    super(readMessage(error, said))
    this.name = "ServiceError"
    this.code = typeof error.code === "string" ? error.code : null
    this.type = typeof error.type === "string" ? error.type : null
    this.status = readStatus(error.code ?? error.status)
  }
}

function readMessage({ message, code }: JsonObject, said: unknown): string {
  const text = typeof message === "string" ? message : typeof said === "string" ? said : JSON.stringify(said)
  return typeof code === "string" && !text.includes(code) ? `${text} (${code})` : text
}

/**
 * Returns the status in a code. Services that pass on another's errors put its status there, as a number or as
 * digits.
 */
function readStatus(code: unknown): number | undefined {
  const status = Number(code)
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined
}
