import { resolve } from "node:path"
import { z } from "zod"
import { omitUndefined } from "../../../core/defined-only.ts"
import { buildSandboxImage } from "../../../gateway/operate/build-sandbox-image.ts"
import type { Action } from "./create-command.ts"
import { describeWords } from "./operation-actions.ts"

const build = z.strictObject({
  tag: z.string().optional(),
  base: z.string().optional(),
  file: z.string().optional(),
})

/** `sandbox build` builds the image that runs code, with the Docker engine of this machine. */
export const sandboxActions: readonly Action[] = [
  {
    ...describeWords("build", build, []),
    async run(input, { env, cwd, stdout, stderr }) {
      const { file, ...names } = build.parse(input)
      const built = await buildSandboxImage({
        env,
        ...omitUndefined(names),
        ...(file === undefined ? {} : { file: resolve(cwd, file) }),
        // Programs in the build redraw their progress with carriage returns.
        onOutput: (text) => stderr.write(text.replace(/\r\n?/g, "\n")),
      })
      stdout.write(`built ${built}\n`)
    },
  },
]
