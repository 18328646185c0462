import { minKeyLength, readKey } from "../http/auth/api-keys.ts"
import type { Operators } from "../http/operate/operators.ts"
import type { ResolvedServer } from "./options/gateway-options.ts"
import type { Check } from "./readiness.ts"

/** The options that decide which keys the gateway accepts. */
export interface KeySettings extends Pick<ResolvedServer, "validApiKeys" | "authenticate"> {
  readonly operators: Operators
}

/** Reports to operators who may use the gateway, and names missing and weak keys. Quotes no key. */
export function checkKeys(settings: KeySettings): { readonly clients: Check; readonly operators: Check } {
  return {
    clients: { ok: true, detail: describeClients(settings) },
    operators: checkOperators(settings.operators),
  }
}

function describeClients(settings: KeySettings): string {
  const { validApiKeys, authenticate } = settings
  if (authenticate !== undefined) return "identified by authenticate"
  if (validApiKeys === undefined) {
    return (
      "any API key is accepted, so anyone who reaches the gateway can use it " +
      "(set validApiKeys or authenticate)"
    )
  }
  const short = countShortKeys(settings)
  const all = `${validApiKeys.length} API key${validApiKeys.length === 1 ? "" : "s"}`
  return short === 0
    ? all
    : `${all}, ${short} of them with fewer than ${minKeyLength} characters, which can be guessed`
}

function checkOperators({ keys, ignoresShortKey }: Operators): Check {
  if (ignoresShortKey) {
    return {
      ok: false,
      detail: `AGENT_GATEWAY_OPERATOR_KEY has fewer than ${minKeyLength} characters, so it opens nothing`,
    }
  }
  const names = [...new Set(keys.map(({ operator }) => operator.name))]
  const none =
    "no operator key, so /operate is closed, and so is the console of start " +
    "(set operatorKeys or AGENT_GATEWAY_OPERATOR_KEY)"
  return { ok: true, detail: names.length === 0 ? none : names.join(", ") }
}

/** Returns the number of API keys that can be guessed. */
export function countShortKeys({ validApiKeys = [] }: KeySettings): number {
  return validApiKeys.filter((key) => readKey(key).length < minKeyLength).length
}
