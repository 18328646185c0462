import { isJsonObject, type JsonObject } from "../../core/json/json.ts"

/** A service's description of an error, in the body of an error status or within a stream. */
export interface ServiceComplaint {
  readonly message: string
  readonly code: string | null
  readonly type: string | null
  /** The HTTP status, or the one that some services give in the place of a code. */
  readonly status: number | undefined
}

/** An error that comes within a stream, where the SDK does not see it. */
export class ServiceError extends Error implements ServiceComplaint {
  readonly code: string | null
  readonly type: string | null
  readonly status: number | undefined

  /** @param said The error object, or whatever stands in its place. */
  constructor(said: unknown) {
    const error = isJsonObject(said) ? said : {}
    super(messageOf(error, said))
    this.name = "ServiceError"
    this.code = typeof error.code === "string" ? error.code : null
    this.type = typeof error.type === "string" ? error.type : null
    this.status = statusOf(error.code ?? error.status)
  }
}

function messageOf({ message, code }: JsonObject, said: unknown): string {
  const text = typeof message === "string" ? message : typeof said === "string" ? said : JSON.stringify(said)
  return typeof code === "string" && !text.includes(code) ? `${text} (${code})` : text
}

/** Services that pass on another's errors put its status where the code belongs, as a number or as its digits. */
function statusOf(code: unknown): number | undefined {
  const status = Number(code)
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : undefined
}
