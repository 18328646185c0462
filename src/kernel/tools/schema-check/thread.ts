import { AjvJsonSchemaValidator } from "@modelcontextprotocol/client/validators/ajv"
import { toError } from "../../../core/errors.ts"
import { serveRequests } from "../../../platform/workers/serve-requests.ts"
import { lowerThreadPriority } from "../thread-priority.ts"
import type { CheckPhase, CheckRequest, Verdict } from "./messages.ts"
import { createTextCache } from "./text-cache.ts"

/** The program of a thread that checks values. */
lowerThreadPriority()

const maxMessageCharacters = 2_000
const compiled = createTextCache<Compiled>({ maxEntries: 200, maxCharacters: 1024 * 1024 })

type Compiled =
  | { readonly type: "usable"; readonly check: (value: unknown) => Verdict }
  | Extract<Verdict, { readonly type: "unusable" }>

/** Also caches schemas that fail to compile, because a failed compilation can be slow. */
function compile(schema: string): Compiled {
  const known = compiled.get(schema)
  if (known !== undefined) return known
  const made = compileNow(schema)
  compiled.set(schema, made)
  return made
}

function compileNow(schema: string): Compiled {
  try {
    // Each schema has its own validator. A shared one would confuse two schemas with the same `$id`.
    const validate = new AjvJsonSchemaValidator().getValidator(JSON.parse(schema))
    return {
      type: "usable",
      check(value) {
        const result = validate(value)
        return result.valid
          ? { type: "valid" }
          : { type: "invalid", message: shortenText(result.errorMessage) }
      },
    }
  } catch (thrown) {
    return { type: "unusable", message: shortenText(toError(thrown).message) }
  }
}

function computeVerdict({ schema, value }: CheckRequest, enter: (phase: CheckPhase) => void): Verdict {
  enter("compiling")
  const outcome = compile(schema)
  if (outcome.type === "unusable") return outcome
  enter("checking")
  try {
    return outcome.check(JSON.parse(value))
  } catch (thrown) {
    return {
      type: "invalid",
      message: `The value cannot be checked: ${shortenText(toError(thrown).message)}.`,
    }
  }
}

function shortenText(text: string): string {
  return text.length <= maxMessageCharacters ? text : `${text.slice(0, maxMessageCharacters)}…`
}

serveRequests(computeVerdict)
