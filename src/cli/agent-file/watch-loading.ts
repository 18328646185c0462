import { registerHooks } from "node:module"
import { sep } from "node:path"
import { fileURLToPath } from "node:url"

const ownFolder = fileURLToPath(new URL("../..", import.meta.url))

/**
 * Reports the path of each file that this process loads from now on, except those of installed packages and of this
 * package.
 */
export function watchLoading(onFile: (path: string) => void): void {
  registerHooks({
    load(url, context, nextLoad) {
      if (url.startsWith("file:")) {
        const path = fileURLToPath(url)
        if (!path.includes(`${sep}node_modules${sep}`) && !path.startsWith(ownFolder)) onFile(path)
      }
      return nextLoad(url, context)
    },
  })
}
