import { fileURLToPath } from "node:url"
import { type Environment, readEnvironment } from "../../adapters/providers/choose/environment.ts"
import { completeConfig } from "../../features/sandbox/config.ts"
import { buildImage } from "../../features/sandbox/docker/build-image.ts"

export interface SandboxImageOptions {
  readonly env: Environment
  /** Default: the tag that `codeExecution` uses. */
  readonly tag?: string
  /** Default: the package's own Dockerfile. */
  readonly file?: string
  readonly base?: string
  readonly onOutput: (text: string) => void
}

/** Builds the image in which code runs. Resolves to its tag. */
export async function buildSandboxImage({
  env,
  tag,
  file = fileURLToPath(new URL("../../../sandbox-image/Dockerfile", import.meta.url)),
  ...options
}: SandboxImageOptions): Promise<string> {
  const { image, dockerSocket: socket } = completeConfig(
    {},
    { dockerSocket: readEnvironment(env).dockerSocket, searchPath: env.PATH },
  )
  const chosen = tag ?? image
  await buildImage({ ...options, socket, tag: chosen, file })
  return chosen
}
