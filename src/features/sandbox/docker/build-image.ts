import { basename, dirname } from "node:path"
import { GatewayError } from "../../../core/errors.ts"
import { connectEngine, describeEngineError } from "./engine.ts"

export interface BuildImageOptions {
  /** The path of the engine's Unix socket. */
  readonly socket: string
  readonly tag: string
  /** A Dockerfile that needs no other files. */
  readonly file: string
  /** The base image, for a Dockerfile with an argument BASE. Default: the Dockerfile's own. */
  readonly base?: string
  /** Receives the engine's output. */
  readonly onOutput: (text: string) => void
}

/** Builds the image and tags it. Rejects with a `GatewayError` with the engine's message. */
export async function buildImage({ socket, tag, file, base, onOutput }: BuildImageOptions): Promise<void> {
  const { patient: docker } = await connectEngine(socket)
  const source = { context: dirname(file), src: [basename(file)] }
  const options = {
    t: tag,
    dockerfile: basename(file),
    ...(base === undefined ? {} : { buildargs: { BASE: base } }),
  }
  try {
    const progress = await docker.buildImage(source, options)
    await new Promise<void>((resolve, reject) => {
      let problem: string | null = null
      docker.modem.followProgress(
        progress,
        (error) => {
          if (error !== null) reject(error)
          else if (problem !== null) reject(new Error(problem))
          else resolve()
        },
        (event: { readonly stream?: string; readonly error?: string }) => {
          if (event.stream !== undefined) onOutput(event.stream)
          if (event.error !== undefined) problem = event.error
        },
      )
    })
  } catch (error) {
    throw new GatewayError(
      { code: "build_failed", status: 500 },
      `The image could not be built: ${describeEngineError(error)}`,
      { cause: error },
    )
  }
}
