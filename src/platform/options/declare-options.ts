import type { z } from "zod"

/** Schemas of options, by the options' names. Each has the option's bounds, and its default if it has one. */
export type OptionSchemas = Readonly<Record<string, z.ZodType>>

/**
 * Ties schemas to the interface that documents the same options. Compilation fails if a schema is missing, if it has no
 * member in the interface, or if the two accept different values.
 */
export function declareOptions<Options extends object>() {
  return <Schemas extends OptionSchemas>(schemas: Schemas & Tied<Options, Schemas>): Schemas => schemas
}

/**
 * The options of an interface after `resolveOptions`. An option with a default is always present. An option without
 * one is present if it was given.
 */
export type Resolved<Options extends object, Schemas extends OptionSchemas> = {
  readonly [Name in keyof Options as Name extends WithDefault<Schemas>
    ? Name
    : never]-?: Name extends keyof Schemas
    ? ResolvedValue<Exclude<Options[Name], undefined>, z.output<Schemas[Name]>>
    : never
} & {
  readonly [Name in keyof Options as Name extends WithDefault<Schemas> ? never : Name]: Options[Name]
}

/** The declared type, unless defaults within the value make it more complete. */
type ResolvedValue<Declared, Output> = Equal<Declared, Output> extends true ? Declared : Exact<Output>

/** The same type, with optional members that may be absent but not undefined. */
type Exact<Value> = Value extends (...args: never) => unknown
  ? Value
  : Value extends readonly unknown[]
    ? Value
    : Value extends object
      ? { readonly [Name in keyof Value as undefined extends Value[Name] ? never : Name]: Value[Name] } & {
          readonly [Name in keyof Value as undefined extends Value[Name] ? Name : never]?: Exclude<
            Value[Name],
            undefined
          >
        }
      : Value

type WithDefault<Schemas extends OptionSchemas> = {
  [Name in keyof Schemas]: undefined extends z.output<Schemas[Name]> ? never : Name
}[keyof Schemas]

type Tied<Options, Schemas extends OptionSchemas> = {
  readonly [Name in keyof Options | keyof Schemas]-?: Name extends keyof Options
    ? Name extends keyof Schemas
      ? Accepts<Options[Name], z.input<Schemas[Name]>> extends true
        ? Schemas[Name]
        : "The schema and the interface accept different values."
      : z.ZodType
    : "The interface does not have this option."
}

/** `true` if both types have the same values, apart from `undefined` and from the restrictions of `readonly`. */
type Accepts<Declared, Schema> = Equal<Exclude<Declared, undefined>, Exclude<Schema, undefined>>

type Equal<Left, Right> = Same<Left, Right> extends true ? true : Same<Plain<Left>, Plain<Right>>

type Same<Left, Right> = [Left] extends [Right] ? ([Right] extends [Left] ? true : false) : false

/** The type with read-only arrays, and with `undefined` in all optional members, at every level. */
type Plain<Value> = Value extends (...args: never) => unknown
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly Plain<Item>[]
    : Value extends object
      ? {
          readonly [Name in keyof Value]:
            | Plain<Value[Name]>
            | (undefined extends Value[Name] ? undefined : never)
        }
      : Value
