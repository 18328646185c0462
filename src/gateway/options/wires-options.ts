import { z } from "zod"
import { type CustomWire, customWires } from "../../http/custom-wire.ts"
import { declareOptions, type Resolved } from "../../platform/options/declare-options.ts"

/** The protocols that the gateway speaks beside its own. */
export interface WiresOptions {
  /** If true, the gateway speaks the protocol of AI SDK UI below `/ai-sdk`. Default true. */
  readonly aiSdk?: boolean
  /** If true, the gateway speaks AG-UI below `/ag-ui`. Default true. */
  readonly agUi?: boolean
  /** If true, the gateway speaks the Responses API and Chat Completions of OpenAI below `/v1`. Default true. */
  readonly openAi?: boolean
  /** Protocols of the application, each with routes and a format of its own. Default none. */
  readonly custom?: readonly CustomWire[]
}

export interface WiresOption {
  /** The protocols that the gateway speaks beside its own HTTP API. Default: all but those of the application. */
  readonly wires?: WiresOptions
}

const wires = declareOptions<WiresOptions>()({
  aiSdk: z.boolean().default(true),
  agUi: z.boolean().default(true),
  openAi: z.boolean().default(true),
  custom: customWires.default([]),
})

export const wiresOption = declareOptions<WiresOption>()({ wires: z.strictObject(wires).prefault({}) })

export type ResolvedWires = Resolved<WiresOptions, typeof wires>
