import { fileURLToPath } from "node:url"
import { defineConfig } from "vite"

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

/** Builds the page of the console, which `src/console/` serves. */
export default defineConfig({
  root: path("."),
  // Relative addresses, so that the page works under any path.
  base: "./",
  resolve: {
    alias: {
      react: "preact/compat",
      "ai-agent-gateway/client/view": path("../src/client/view/index.ts"),
      "ai-agent-gateway/client": path("../src/client/index.ts"),
      "ai-agent-gateway/react": path("../src/client/react/use-agent.ts"),
    },
  },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: path("../dist/console-page"),
    emptyOutDir: true,
    target: "es2022",
    // The content security policy forbids data addresses for icons and inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
})
