import { expect, test } from "vitest"
import { z } from "zod"
import { ConfigurationError } from "../../core/errors.ts"
import { declareOptions, type Resolved } from "./declare-options.ts"
import { pickOptions, resolveOptions } from "./resolve-options.ts"
import { createFunctionSchema } from "./schemas.ts"

interface Options {
  readonly turns?: number
  readonly names?: readonly string[]
  readonly limits?: { readonly bytes?: number; readonly hosts?: readonly string[] }
  readonly onEnd?: (reason: string) => void
  readonly key: string
}

const schemas = declareOptions<Options>()({
  turns: z.int().positive().default(3),
  names: z.array(z.string().min(1)).optional(),
  limits: z.strictObject({ bytes: z.int().default(10), hosts: z.array(z.string()).optional() }).prefault({}),
  onEnd: createFunctionSchema<(reason: string) => void>().optional(),
  key: z.string(),
})

test("defaults are applied, and options that are undefined are left out", () => {
  const resolved = resolveOptions<Options, typeof schemas>("make", schemas, {
    key: "k",
    names: undefined as never,
  })
  expect(resolved).toEqual({ key: "k", turns: 3, limits: { bytes: 10 } })
  expect("names" in resolved).toBe(false)
  // The types say that both are defined.
  const { turns, limits } = resolved satisfies Resolved<Options, typeof schemas>
  expect(turns.toFixed() + limits.bytes.toFixed()).toBe("310")
})

test.each([
  [{ key: "k", turn: 1 }, "make: unknown option turn (did you mean turns?)"],
  [{ key: "k", limits: { byte: 1 } }, "make: unknown option limits.byte (did you mean bytes?)"],
  [{ key: "k", turns: 0 }, "make: turns: must be greater than 0"],
  [{ key: "k", onEnd: 1 }, "make: onEnd: expected a function"],
])("%j is refused", (options, message) => {
  expect(() => resolveOptions("make", schemas, options)).toThrow(new ConfigurationError(message))
})

test("the options of one feature are selected from all options", () => {
  expect(pickOptions({ turns: schemas.turns }, { turns: 1, other: 2 })).toEqual({ turns: 1 })
})

test("compilation fails for schemas that differ from the interface", () => {
  const declare = declareOptions<Pick<Options, "turns" | "names">>()
  const names = z.array(z.string()).optional()
  // @ts-expect-error: a schema is missing.
  declare({ turns: z.int().optional() })
  // @ts-expect-error: the interface does not have the option.
  declare({ turns: z.int().optional(), names, hosts: names })
  // @ts-expect-error: the schema accepts less than the interface.
  declare({ turns: z.literal(1).optional(), names })
  // @ts-expect-error: the schema accepts more than the interface.
  declare({ turns: z.union([z.int(), z.string()]).optional(), names })
  expect(declare({ turns: z.int().optional(), names })).toEqual({ turns: expect.anything(), names })
})
