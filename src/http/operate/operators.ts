import { hash, timingSafeEqual } from "node:crypto"
import { z } from "zod"
import { ConfigurationError } from "../../core/errors.ts"
import { type OperatorScope, operatorScopes } from "../../operations/scopes.ts"
import { declareOptions } from "../../platform/options/declare-options.ts"
import { minKeyLength } from "../auth/api-keys.ts"

export interface OperatorOptions {
  /**
   * Keys of operators, each with at least 16 characters. A text is a key with the name `operator` and all scopes.
   * Several keys may have one name, so that a key can be replaced. Default: `AGENT_GATEWAY_OPERATOR_KEY`, if set.
   */
  readonly operatorKeys?: readonly (string | OperatorKey)[]
}

export interface OperatorKey {
  readonly key: string
  /** 1 to 64 letters, digits, dashes and underscores. The audit trail has it. */
  readonly name: string
  /** The operations that the key opens. */
  readonly scopes: readonly OperatorScope[]
  /** The only tenant that the operator may see, as the list of sessions shows it. Default: all tenants. */
  readonly tenant?: string
}

const aKey = z.string().min(minKeyLength)

export const operatorOptions = declareOptions<OperatorOptions>()({
  operatorKeys: z
    .array(
      z.union([
        aKey,
        z.strictObject({
          key: aKey,
          name: z.string().regex(/^[\w-]{1,64}$/, "expected 1 to 64 letters, digits, dashes or underscores"),
          scopes: z.array(z.enum(operatorScopes)).min(1),
          tenant: z.string().min(1).max(256).optional(),
        }),
      ]),
    )
    .optional(),
})

export interface Operator {
  readonly name: string
  readonly scopes: readonly OperatorScope[]
  /** Null for all tenants. */
  readonly tenant: string | null
}

/** An operator's key, which also signs the operator's cookies. */
export interface SigningOperator {
  readonly operator: Operator
  readonly key: string
}

export interface Operators {
  readonly keys: readonly SigningOperator[]
  /** If true, the environment has a key that is too short, so it opens nothing. */
  readonly ignoresShortKey: boolean
  /** Finds the operator of a key. The time reveals nothing about the keys. Returns null if there is none. */
  find(key: string): SigningOperator | null
}

/** The operator without a name: of a key without one, and of the console on a developer's own machine. */
export const anyOperator: Operator = { name: "operator", scopes: operatorScopes, tenant: null }

export interface OperatorSettings extends OperatorOptions {
  readonly validApiKeys?: readonly (string | { readonly key: string })[] | undefined
}

/**
 * Creates the operators of the options and of the environment's key. A key of the environment that is too short opens
 * nothing. Throws a `ConfigurationError` for a key that is there twice, for one name with different tenants, and for a
 * key that a client has.
 */
export function createOperators(
  { operatorKeys = [], validApiKeys = [] }: OperatorSettings,
  environmentKey: string | undefined,
): Operators {
  const given = environmentKey === undefined ? [] : [environmentKey]
  const strong = given.filter(({ length }) => length >= minKeyLength)
  const clients = new Set(validApiKeys.map((each) => (typeof each === "string" ? each : each.key)))
  const known = new Map<string, SigningOperator>()
  for (const each of [...operatorKeys, ...strong]) {
    const { key, operator } = toSigning(each)
    if (clients.has(key)) {
      throw new ConfigurationError(
        `operatorKeys: the key of ${operator.name} is also one of validApiKeys. Use different keys.`,
      )
    }
    if (known.has(key)) {
      // The environment may have the key of an option again.
      if (!operatorKeys.includes(each)) continue
      throw new ConfigurationError(`operatorKeys: the key of ${operator.name} is there twice.`)
    }
    // Operators of one name share their conversations in the console, and a sign-out.
    const namesake = [...known.values()].find((other) => other.operator.name === operator.name)
    if (namesake !== undefined && namesake.operator.tenant !== operator.tenant) {
      throw new ConfigurationError(
        `operatorKeys: keys with the name ${operator.name} have different tenants. Keys of one name are one ` +
          "operator, so choose another name. The key of AGENT_GATEWAY_OPERATOR_KEY has the name operator and all " +
          "tenants.",
      )
    }
    known.set(key, { key, operator })
  }
  const keys = [...known.values()].map((each) => ({ ...each, digest: digest(each.key) }))
  return {
    keys,
    ignoresShortKey: strong.length < given.length,
    find(key) {
      const given = digest(key)
      let found: SigningOperator | null = null
      // The loop does not end early, so that the time does not reveal which key matches.
      for (const each of keys) if (timingSafeEqual(given, each.digest)) found = each
      return found
    },
  }
}

function toSigning(given: string | OperatorKey): SigningOperator {
  if (typeof given === "string") return { key: given, operator: anyOperator }
  const { key, name, scopes, tenant = null } = given
  return { key, operator: { name, scopes, tenant } }
}

/** Returns a digest. Digests have one length, which the comparison needs. */
function digest(key: string): Uint8Array {
  return hash("sha256", key, "buffer")
}
